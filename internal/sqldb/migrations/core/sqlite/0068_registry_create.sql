-- +goose Up
-- Models, by name. No version below the floor is loaded any more, however rightly it is signed.
create table registry_models (
	model  text    not null primary key,
	latest integer not null, -- the highest number that was given to a version
	floor  integer not null,
	held   integer not null  -- 1: rolled back by hand, and not to be replaced by itself
) strict;
-- Versions. Card and lineage are those of the signed package, byte for byte.
create table registry_versions (
	model   text    not null,
	version integer not null,
	stage   text    not null, -- shadow, challenger, champion, retired, revoked, destroyed
	package blob    not null, -- SHA-256 of the file in models/
	weights blob    not null, -- SHA-256 of the weights in it
	signer  text    not null, -- hint of the key; '' before packages were signed
	card    text    not null,
	lineage text    not null,
	bytes   integer not null, -- of the file
	made_ms integer not null, -- how long it took
	reason  text    not null,
	made_at integer not null,
	opening blob    not null, -- what opens the leaf of its release
	primary key (model, version)
) strict;
create unique index registry_versions_champion on registry_versions (model) where stage = 'champion';
-- Each change of a version's stage, with its leaf.
create table registry_changes (
	model      text    not null,
	version    integer not null,
	from_stage text    not null,
	to_stage   text    not null,
	reason     text    not null,
	actor      text    not null, -- a name of the staff; '' for the program
	at         integer not null,
	seq        integer not null, -- in which order the changes of a model happened
	opening    blob    not null,
	primary key (model, seq)
) strict;
-- The keys that have signed packages. Which keys count follows from the installation's
-- secrets and not from here: a row that somebody adds trusts nobody.
create table registry_keys (
	hint       text    not null primary key,
	pem        text    not null,
	generation integer not null unique,
	made_at    integer not null,
	opening    blob    not null,
	revoked_at integer not null, -- 0: not
	reason     text    not null,
	revocation blob    not null  -- what opens the leaf of the revocation; empty: none
) strict;
-- What the verification of files on disk found. Equal findings in a row are one row.
create table registry_checks (
	model    text    not null,
	version  integer not null,
	since    integer not null,
	last     integer not null,
	times    integer not null,
	rule     text    not null, -- that was broken; '' for none
	primary key (model, since, version)
) strict;
