-- +goose Up
create table vault_installation (
	one         bigint not null primary key check (one = 1),
	id          bytea not null, -- 16 random bytes, part of every cell's associated data
	epoch_floor bigint not null  -- epochs below it are destroyed
);

-- Epoch keys, wrapped by the root. Used when they lie in no folder of their own;
-- then a backup must leave this table out.
create table vault_epochs (
	number     bigint not null primary key,
	day        bigint not null, -- days since 1970, UTC
	wrapped    bytea not null,
	commitment bytea not null
);

-- Data keys, wrapped by an epoch key.
create table vault_keys (
	owner      bytea not null, -- 16 bytes; zeros are the installation
	class      text not null, -- retention class; '' is the base class
	chain      bigint not null check (chain in (0, 1)), -- 1: start of a chain of months
	gen        bigint not null,
	month      bigint not null, -- of a chain: the first month it leads to; 1 is January 2000
	epoch      bigint not null,
	wrapped    bytea not null,
	commitment bytea not null,
	created_at bigint not null, -- UTC microseconds
	primary key (owner, class, chain, gen)
);

create table vault_classes (
	class   text not null primary key,
	month   bigint not null, -- months before it have expired
	changes bigint not null  -- counts expiries, for other processes to see
);

create table vault_secrets (
	name       text not null primary key,
	sealed     bytea not null,
	created_at bigint not null -- UTC microseconds
);

-- Whose keys were destroyed: a keyed hash, so that it says so only to who asks
-- about a known owner.
create table vault_tombstones (
	mark     bytea not null primary key,
	seq      bigint not null unique,
	key_hash bytea not null
);
