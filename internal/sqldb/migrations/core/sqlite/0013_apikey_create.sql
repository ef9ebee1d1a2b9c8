-- +goose Up
create table apikey_keys (
	id         blob    not null primary key,
	hash       blob    not null unique, -- SHA-256 of the key
	hint       text    not null,        -- its last four characters
	name       text    not null,
	scopes     text    not null,        -- blank-separated: collect read admin
	created_at integer not null,
	used_at    integer,
	revoked_at integer
) strict;
