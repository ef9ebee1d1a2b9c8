-- +goose Up
-- What one commit made durable. The numbers have no gaps.
create table log_frames (
	seq         integer not null primary key,
	received_at integer not null, -- UTC microseconds, by the wall
	elapsed     integer not null, -- microseconds that appending processes have lived, by clocks that nobody sets
	bytes       blob not null
) strict;

-- Keyed hashes of an order and what happened to it, for as long as the record is kept.
create table log_orders (
	key blob not null primary key,
	seq integer not null
) strict, without rowid;

-- One row: whose turn it is to append, and a number that is counted up to see whether the
-- disk takes it.
create table log_head (
	one    integer not null primary key check (one = 1),
	probes integer not null
) strict;
insert into log_head (one, probes) values (1, 0);
