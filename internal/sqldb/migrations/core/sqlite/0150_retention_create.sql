-- +goose Up
-- Placement: reference. What holds keep, record by record: whoever deletes asks here.
create table subject_held (
	hold_id    blob not null,
	n          integer not null,
	subject_id blob,          -- null: everybody's
	category   text not null,
	from_at    integer not null, -- of the record's own time, UTC microseconds
	until_at   integer not null,
	law        text not null,
	primary key (hold_id, n)
) strict;
create index subject_held_category on subject_held (category, subject_id);

-- Placement: single. The operator's documents; the newest is in force.
create table retention_documents (
	version integer not null primary key,
	body    text not null,
	staff   text not null,
	reason  text not null,
	at      integer not null
) strict;

-- Placement: single.
create table retention_holds (
	id          blob not null primary key,
	subject_id  blob,          -- null: of nobody alone, and once the person is erased
	personal    integer not null, -- 1: of one person
	categories  text not null,
	from_at     integer not null, -- 0: open
	until_at    integer not null, -- 0: open
	law         text not null,
	reason      text not null,
	secret      text not null, -- the law that forbids telling the person; '' tells
	review_at   integer not null,
	state       text not null check (state in ('active', 'releasing', 'released')),
	floor       text not null, -- the record of a law's shortest period that made it; '' for staff
	opened_by   text not null,
	opened_at   integer not null,
	asked_by    text not null,
	asked_at    integer not null,
	released_by text not null,
	released_at integer not null
) strict;
create index retention_holds_subject on retention_holds (subject_id);

-- Placement: by subject. Whose erasure left something that a hold keeps.
create table retention_stopped (
	subject_id blob not null primary key,
	request    text not null,
	at         integer not null
) strict;

-- Placement: single. Each run of a category, with its proof.
create table retention_runs (
	id           blob not null primary key,
	category     text not null,
	before       integer not null,
	state        text not null check (state in ('waiting', 'confirmed', 'listed', 'done', 'red')),
	proof        text not null,
	why          text not null,
	confirmed_by text not null,
	at           integer not null,
	done_at      integer not null,
	opening      blob not null -- empty until it is done
) strict;
create index retention_runs_category on retention_runs (category, at);

-- Placement: reference. Since when what was collected may be used for a purpose.
create table retention_cuts (
	category text not null,
	purpose  text not null,
	since    integer not null,
	primary key (category, purpose)
) strict;

-- Placement: single. What nobody has read for long.
create table retention_proposals (
	category   text not null,
	holder     text not null,
	state      text not null check (state in ('open', 'accepted', 'declined')),
	used_at    integer not null, -- when it was read last; 0: never since the log begins
	since      integer not null, -- when the use log begins
	raised_at  integer not null,
	decided_by text not null,
	decided_at integer not null,
	note       text not null,
	primary key (category, holder)
) strict;

-- Placement: single. What staff did, and what holds and schedules became; each has a leaf.
create table retention_acts (
	id      blob not null primary key,
	about   text not null,
	act     text not null,
	staff   text not null,
	detail  text not null,
	at      integer not null,
	opening blob not null
) strict;
create index retention_acts_about on retention_acts (about, at);
