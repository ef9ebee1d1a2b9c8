-- +goose Up
alter table gate_uses add column holders text not null default ''; -- who kept what was asked for, such as " order subject "
create index gate_uses_actor on gate_uses (actor_kind, actor, at);

-- People who are nobody: whoever opens one had no reason to.
create table gate_canaries (
	subject_id bytea   not null primary key,
	planted_at bigint not null
);

create table gate_alarms (
	id         bytea   not null primary key,
	kind       text    not null check (kind in ('bulk', 'pattern', 'canary')),
	actor_kind text    not null,
	actor      text    not null,
	hour       bigint not null, -- the hour it is about, UTC microseconds
	people     bigint not null,
	reads      bigint not null,
	why        text    not null,
	raised_at  bigint not null,
	state      text    not null check (state in ('open', 'closed')),
	closed_by  text    not null,
	closed_at  bigint,
	note       text    not null, -- what whoever closed it found
	opening    bytea   not null, -- what opens its leaf: it names no customer
	closing    bytea, -- what opens the leaf of its closing
	unique (kind, actor_kind, actor, hour)
);
create index gate_alarms_state on gate_alarms (state, raised_at);
