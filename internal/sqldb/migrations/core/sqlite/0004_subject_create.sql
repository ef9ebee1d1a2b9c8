-- +goose Up
create table subject_subjects (
	id         blob not null primary key, -- 16 random bytes
	state      text not null check (state in ('active', 'erased')), -- an erased row keeps the id from being given again
	epoch      integer not null, -- moved by whatever enters a verdict
	residence  blob,          -- sealed; null: unknown
	created_at integer           -- UTC microseconds; null once erased
) strict, without rowid;

create table subject_identifiers (
	kind       text not null,
	blind      blob not null, -- 16 bytes: the kind's keyed index of the value
	subject    blob not null,
	sealed     blob not null,
	mark       blob not null, -- 16 bytes: what subject_suppressions keeps after an erasure
	created_at integer not null, -- UTC microseconds
	primary key (kind, blind)
) strict, without rowid;
create index subject_identifiers_subject on subject_identifiers (subject);

-- Identifiers of forgotten people, as keyed hashes. No time and no order: neither
-- tells which erased row it belonged to.
create table subject_suppressions (
	mark blob not null primary key
) strict, without rowid;
