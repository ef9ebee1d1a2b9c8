-- +goose Up
-- Up to which frame each listener was told of events, and who tells it.
create table collect_positions (
	name        text not null primary key,
	seq         bigint not null,
	builder     bytea not null,
	lease_until bigint not null
);
-- Frames that hold records of somebody who was forgotten, until they are compacted, and
-- up to which frame the log was searched for such.
create table collect_dead (
	seq      bigint not null primary key,
	noted_at bigint not null
);
