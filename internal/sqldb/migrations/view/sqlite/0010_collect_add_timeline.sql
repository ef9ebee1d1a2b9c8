-- +goose Up
-- Where each person's events lie in the log: one row for each run of 16,384 frames, with
-- the places in it as varints, in the order in which they came in.
create table collect_postings (
	subject_id blob not null,
	block      integer not null,
	body       blob not null,
	primary key (subject_id, block)
) strict, without rowid;
-- What the events of one category and month come to, sealed in parts that are put one
-- behind the other: what was touched, and when the person was here.
create table collect_months (
	subject_id   blob not null,
	category     text not null,
	month        integer not null, -- since January 1970, in which the events came in
	interactions blob not null,
	profile      blob not null,
	primary key (subject_id, category, month)
) strict, without rowid;
-- How often something happened to a product on a day. Nobody is in it.
create table collect_demand (
	day   integer not null, -- since 1970, UTC
	event text not null,
	item  text not null, -- empty: about no product
	n     integer not null,
	primary key (day, event, item)
) strict, without rowid;
-- Up to which frame the tables above are built, and who builds them.
create table collect_cursors (
	name        text not null primary key,
	seq         integer not null,
	builder     blob not null,
	lease_until integer not null
) strict, without rowid;
