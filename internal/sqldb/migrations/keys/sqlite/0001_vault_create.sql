-- +goose Up
create table vault_installation (
	one         integer not null primary key check (one = 1),
	id          blob not null, -- 16 random bytes, part of every cell's associated data
	epoch_floor integer not null  -- epochs below it are destroyed
) strict, without rowid;

-- Epoch keys, wrapped by the root. Used when they lie in no folder of their own;
-- then a backup must leave this table out.
create table vault_epochs (
	number     integer not null primary key,
	day        integer not null, -- days since 1970, UTC
	wrapped    blob not null,
	commitment blob not null
) strict, without rowid;

-- Data keys, wrapped by an epoch key.
create table vault_keys (
	owner      blob not null, -- 16 bytes; zeros are the installation
	class      text not null, -- retention class; '' is the base class
	chain      integer not null check (chain in (0, 1)), -- 1: start of a chain of months
	gen        integer not null,
	month      integer not null, -- of a chain: the first month it leads to; 1 is January 2000
	epoch      integer not null,
	wrapped    blob not null,
	commitment blob not null,
	created_at integer not null, -- UTC microseconds
	primary key (owner, class, chain, gen)
) strict, without rowid;

create table vault_classes (
	class   text not null primary key,
	month   integer not null, -- months before it have expired
	changes integer not null  -- counts expiries, for other processes to see
) strict, without rowid;

create table vault_secrets (
	name       text not null primary key,
	sealed     blob not null,
	created_at integer not null -- UTC microseconds
) strict, without rowid;

-- Whose keys were destroyed: a keyed hash, so that it says so only to who asks
-- about a known owner.
create table vault_tombstones (
	mark     blob not null primary key,
	seq      integer not null unique,
	key_hash blob not null
) strict, without rowid;
