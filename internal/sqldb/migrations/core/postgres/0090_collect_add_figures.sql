-- +goose Up
create table collect_minutes ( -- what came from a source in a minute
	source     bigint  not null,
	minute     bigint  not null, -- since 1970
	events     bigint  not null,
	kept       bigint  not null,
	denied     bigint  not null, -- dropped by reason, from here on
	nobody     bigint  not null,
	repeated   bigint  not null,
	unplanned  bigint  not null,
	broken     bigint  not null,
	gone       bigint  not null,
	violations bigint  not null, -- broken rules of the plan
	unknown    bigint  not null, -- properties that are not in the plan
	primary key (source, minute)
);
create index collect_minutes_minute on collect_minutes (minute);

create table collect_violations ( -- broken rules as shapes, never values
	source   bigint  not null,
	event    text    not null, -- of the plan; '' for a rule of the wire
	path     text    not null,
	expected text    not null,
	got      text    not null,
	n        bigint  not null,
	first_at bigint  not null,
	last_at  bigint  not null,
	primary key (source, event, path, expected, got)
);

create table collect_proposals ( -- what the plan does not know
	id         bytea   not null primary key,
	event      text    not null,
	within     text    not null, -- the object, 'products[].'
	name       text    not null, -- '' for an event
	shape      text    not null,
	category   text    not null,
	transform  text    not null,
	confidence bigint  not null, -- per thousand
	why        text    not null,
	n          bigint  not null,
	first_at   bigint  not null,
	last_at    bigint  not null,
	later      bigint  not null, -- until when nobody wants to decide; 0: now
	unique (event, within, name)
);
