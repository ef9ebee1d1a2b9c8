-- +goose Up
-- Where each person's events lie in the log: one row for each run of 16,384 frames, with
-- the places in it as varints, in the order in which they came in.
create table collect_postings (
	subject_id bytea not null,
	block      bigint not null,
	body       bytea not null,
	primary key (subject_id, block)
);
-- What the events of one category and month come to, sealed in parts that are put one
-- behind the other: what was touched, and when the person was here.
create table collect_months (
	subject_id   bytea not null,
	category     text not null,
	month        bigint not null, -- since January 1970, in which the events came in
	interactions bytea not null,
	profile      bytea not null,
	primary key (subject_id, category, month)
);
-- How often something happened to a product on a day. Nobody is in it.
create table collect_demand (
	day   bigint not null, -- since 1970, UTC
	event text not null,
	item  text not null, -- empty: about no product
	n     bigint not null,
	primary key (day, event, item)
);
-- Up to which frame the tables above are built, and who builds them.
create table collect_cursors (
	name        text not null primary key,
	seq         bigint not null,
	builder     bytea not null,
	lease_until bigint not null
);
