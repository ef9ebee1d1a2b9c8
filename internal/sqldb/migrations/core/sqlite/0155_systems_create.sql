-- +goose Up
-- What holds data about customers outside of Thimble, and what each of them is asked for in
-- a case. What a system is told of the person is sealed, and goes when the task ends.
create table systems_systems (
	id           blob not null primary key,
	name         text not null,
	kinds        text not null,      -- requests that it takes part in, with blanks between
	means        text not null,
	endpoint     text not null,
	names        text not null,      -- what it knows people by
	recipient_id blob,               -- whose pseudonym that is; null for none
	necessity    text not null,      -- why it needs an e-mail address
	days         integer not null,
	instructions text not null,
	secret       blob not null,      -- sealed: the key of its webhooks, or what it lets us in with
	ended        integer not null,
	created_at   integer not null,
	changed_at   integer not null
) strict;
create table systems_acts (
	id        blob not null primary key,
	system_id blob not null,
	act       text not null,
	staff     text not null,
	at        integer not null,
	opening   blob not null
) strict;
create index systems_acts_system on systems_acts (system_id, at);
create table systems_tasks (
	id          blob not null primary key,
	system_id   blob not null,
	case_id     blob not null,
	cause       blob,                -- the request of the rights desk; null for none
	subject_id  blob,                -- whose; null once the person is erased
	kind        text not null,
	means       text not null,
	state       text not null,
	why         text not null,       -- a word of the program
	at          integer not null,
	due_at      integer not null,        -- the first instant that is too late
	told_at     integer not null,        -- 0: not yet; so are the others
	acked_at    integer not null,
	ended_at    integer not null,
	last_at     integer not null,
	proof       text not null,       -- by what the answer was shown to be the system's
	staff       text not null,       -- who did it by hand
	tries       integer not null,
	status      integer not null,
	first_at    integer not null,
	next_at     integer not null,
	lease_until integer not null,
	fence       integer not null,
	remote      text not null,       -- how a processor calls it
	told        blob                 -- sealed: what the system knows the person by; null when it has ended
) strict;
create index systems_tasks_case on systems_tasks (case_id);
create index systems_tasks_cause on systems_tasks (cause);
create index systems_tasks_subject on systems_tasks (subject_id);
create index systems_tasks_next on systems_tasks (next_at) where ended_at = 0;
create index systems_tasks_due on systems_tasks (due_at, id);
