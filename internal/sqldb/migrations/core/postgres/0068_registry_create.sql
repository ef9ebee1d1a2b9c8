-- +goose Up
-- Models, by name. No version below the floor is loaded any more, however rightly it is signed.
create table registry_models (
	model  text    not null primary key,
	latest bigint  not null, -- the highest number that was given to a version
	floor  bigint  not null,
	held   bigint  not null  -- 1: rolled back by hand, and not to be replaced by itself
);
-- Versions. Card and lineage are those of the signed package, byte for byte.
create table registry_versions (
	model   text    not null,
	version bigint  not null,
	stage   text    not null, -- shadow, challenger, champion, retired, revoked, destroyed
	package bytea   not null, -- SHA-256 of the file in models/
	weights bytea   not null, -- SHA-256 of the weights in it
	signer  text    not null, -- hint of the key; '' before packages were signed
	card    text    not null,
	lineage text    not null,
	bytes   bigint  not null, -- of the file
	made_ms bigint  not null, -- how long it took
	reason  text    not null,
	made_at bigint  not null,
	opening bytea   not null, -- what opens the leaf of its release
	primary key (model, version)
);
create unique index registry_versions_champion on registry_versions (model) where stage = 'champion';
-- Each change of a version's stage, with its leaf.
create table registry_changes (
	model      text    not null,
	version    bigint  not null,
	from_stage text    not null,
	to_stage   text    not null,
	reason     text    not null,
	actor      text    not null, -- a name of the staff; '' for the program
	at         bigint  not null,
	seq        bigint  not null, -- in which order the changes of a model happened
	opening    bytea   not null,
	primary key (model, seq)
);
-- The keys that have signed packages. Which keys count follows from the installation's
-- secrets and not from here: a row that somebody adds trusts nobody.
create table registry_keys (
	hint       text    not null primary key,
	pem        text    not null,
	generation bigint  not null unique,
	made_at    bigint  not null,
	opening    bytea   not null,
	revoked_at bigint  not null, -- 0: not
	reason     text    not null,
	revocation bytea   not null  -- what opens the leaf of the revocation; empty: none
);
-- What the verification of files on disk found. Equal findings in a row are one row.
create table registry_checks (
	model    text    not null,
	version  bigint  not null,
	since    bigint  not null,
	last     bigint  not null,
	times    bigint  not null,
	rule     text    not null, -- that was broken; '' for none
	primary key (model, since, version)
);
