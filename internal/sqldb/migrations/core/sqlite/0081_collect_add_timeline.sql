-- +goose Up
-- Up to which frame each listener was told of events, and who tells it.
create table collect_positions (
	name        text not null primary key,
	seq         integer not null,
	builder     blob not null,
	lease_until integer not null
) strict;
-- Frames that hold records of somebody who was forgotten, until they are compacted, and
-- up to which frame the log was searched for such.
create table collect_dead (
	seq      integer not null primary key,
	noted_at integer not null
) strict;
