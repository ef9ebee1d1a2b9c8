-- +goose Up
create table collect_minutes ( -- what came from a source in a minute
	source     integer not null,
	minute     integer not null, -- since 1970
	events     integer not null,
	kept       integer not null,
	denied     integer not null, -- dropped by reason, from here on
	nobody     integer not null,
	repeated   integer not null,
	unplanned  integer not null,
	broken     integer not null,
	gone       integer not null,
	violations integer not null, -- broken rules of the plan
	unknown    integer not null, -- properties that are not in the plan
	primary key (source, minute)
) strict;
create index collect_minutes_minute on collect_minutes (minute);

create table collect_violations ( -- broken rules as shapes, never values
	source   integer not null,
	event    text    not null, -- of the plan; '' for a rule of the wire
	path     text    not null,
	expected text    not null,
	got      text    not null,
	n        integer not null,
	first_at integer not null,
	last_at  integer not null,
	primary key (source, event, path, expected, got)
) strict;

create table collect_proposals ( -- what the plan does not know
	id         blob    not null primary key,
	event      text    not null,
	within     text    not null, -- the object, 'products[].'
	name       text    not null, -- '' for an event
	shape      text    not null,
	category   text    not null,
	transform  text    not null,
	confidence integer not null, -- per thousand
	why        text    not null,
	n          integer not null,
	first_at   integer not null,
	last_at    integer not null,
	later      integer not null, -- until when nobody wants to decide; 0: now
	unique (event, within, name)
) strict;
