-- +goose Up
create table consent_tills ( -- keys of the tills that may sign batches
	till       text    not null,
	key_id     text    not null,
	public_key bytea   not null,
	created_at bigint not null,
	revoked_at bigint not null, -- 0: not
	primary key (till, key_id)
);
create table consent_batches ( -- each number of a till is recorded once
	till        text    not null,
	sequence    bigint not null,
	key_id      text    not null,
	digest      bytea   not null, -- SHA-256 of what was signed
	entries     bigint not null,
	recorded    bigint not null,
	rejected    bigint not null,
	recorded_at bigint not null,
	primary key (till, sequence)
);
