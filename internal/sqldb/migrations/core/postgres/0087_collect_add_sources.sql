-- +goose Up
-- Where events come from, and the keys they come with.
create table collect_sources (
	number bigint not null primary key, -- 1, 2, 3, …; never given twice
	name text not null unique,
	kind text not null, -- server, browser, app
	origins text not null, -- with blanks between
	consents bigint not null, -- 1: it asks people for their consent
	created_at bigint not null,
	ended_at bigint
);
create table collect_source_keys (
	hash bytea not null primary key, -- SHA-256 of the key
	source bigint not null,
	public text not null, -- the key itself where everybody may read it, else empty
	hint text not null, -- its last four characters
	created_at bigint not null,
	ends_at bigint -- from then on it opens nothing; null: it is in force
);
create index collect_source_keys_source on collect_source_keys (source);
-- What staff did about sources, each a leaf.
create table collect_source_changes (
	seq bigint not null primary key, -- 1, 2, 3, …
	source bigint not null,
	change text not null,
	staff text not null,
	at bigint not null,
	opening bytea not null
);
