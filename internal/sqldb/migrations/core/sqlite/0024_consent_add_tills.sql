-- +goose Up
create table consent_tills ( -- keys of the tills that may sign batches
	till       text    not null,
	key_id     text    not null,
	public_key blob   not null,
	created_at integer not null,
	revoked_at integer not null, -- 0: not
	primary key (till, key_id)
) strict;
create table consent_batches ( -- each number of a till is recorded once
	till        text    not null,
	sequence    integer not null,
	key_id      text    not null,
	digest      blob   not null, -- SHA-256 of what was signed
	entries     integer not null,
	recorded    integer not null,
	rejected    integer not null,
	recorded_at integer not null,
	primary key (till, sequence)
) strict;
