-- +goose Up
-- What holds data about customers outside of Thimble, and what each of them is asked for in
-- a case. What a system is told of the person is sealed, and goes when the task ends.
create table systems_systems (
	id           bytea not null primary key,
	name         text not null,
	kinds        text not null,      -- requests that it takes part in, with blanks between
	means        text not null,
	endpoint     text not null,
	names        text not null,      -- what it knows people by
	recipient_id bytea,               -- whose pseudonym that is; null for none
	necessity    text not null,      -- why it needs an e-mail address
	days         bigint not null,
	instructions text not null,
	secret       bytea not null,      -- sealed: the key of its webhooks, or what it lets us in with
	ended        bigint not null,
	created_at   bigint not null,
	changed_at   bigint not null
);
create table systems_acts (
	id        bytea not null primary key,
	system_id bytea not null,
	act       text not null,
	staff     text not null,
	at        bigint not null,
	opening   bytea not null
);
create index systems_acts_system on systems_acts (system_id, at);
create table systems_tasks (
	id          bytea not null primary key,
	system_id   bytea not null,
	case_id     bytea not null,
	cause       bytea,                -- the request of the rights desk; null for none
	subject_id  bytea,                -- whose; null once the person is erased
	kind        text not null,
	means       text not null,
	state       text not null,
	why         text not null,       -- a word of the program
	at          bigint not null,
	due_at      bigint not null,        -- the first instant that is too late
	told_at     bigint not null,        -- 0: not yet; so are the others
	acked_at    bigint not null,
	ended_at    bigint not null,
	last_at     bigint not null,
	proof       text not null,       -- by what the answer was shown to be the system's
	staff       text not null,       -- who did it by hand
	tries       bigint not null,
	status      bigint not null,
	first_at    bigint not null,
	next_at     bigint not null,
	lease_until bigint not null,
	fence       bigint not null,
	remote      text not null,       -- how a processor calls it
	told        bytea                 -- sealed: what the system knows the person by; null when it has ended
);
create index systems_tasks_case on systems_tasks (case_id);
create index systems_tasks_cause on systems_tasks (cause);
create index systems_tasks_subject on systems_tasks (subject_id);
create index systems_tasks_next on systems_tasks (next_at) where ended_at = 0;
create index systems_tasks_due on systems_tasks (due_at, id);
