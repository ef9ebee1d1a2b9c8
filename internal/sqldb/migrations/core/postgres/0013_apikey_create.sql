-- +goose Up
create table apikey_keys (
	id         bytea    not null primary key,
	hash       bytea    not null unique, -- SHA-256 of the key
	hint       text    not null,        -- its last four characters
	name       text    not null,
	scopes     text    not null,        -- blank-separated: collect read admin
	created_at bigint not null,
	used_at    bigint,
	revoked_at bigint
);
