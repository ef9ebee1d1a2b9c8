-- +goose Up
create table subject_subjects (
	id         bytea not null primary key, -- 16 random bytes
	state      text not null check (state in ('active', 'erased')), -- an erased row keeps the id from being given again
	epoch      bigint not null, -- moved by whatever enters a verdict
	residence  bytea,          -- sealed; null: unknown
	created_at bigint           -- UTC microseconds; null once erased
);

create table subject_identifiers (
	kind       text not null,
	blind      bytea not null, -- 16 bytes: the kind's keyed index of the value
	subject    bytea not null,
	sealed     bytea not null,
	mark       bytea not null, -- 16 bytes: what subject_suppressions keeps after an erasure
	created_at bigint not null, -- UTC microseconds
	primary key (kind, blind)
);
create index subject_identifiers_subject on subject_identifiers (subject);

-- Identifiers of forgotten people, as keyed hashes. No time and no order: neither
-- tells which erased row it belonged to.
create table subject_suppressions (
	mark bytea not null primary key
);
