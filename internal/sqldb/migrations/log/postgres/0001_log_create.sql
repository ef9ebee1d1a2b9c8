-- +goose Up
-- What one commit made durable. The numbers have no gaps.
create table log_frames (
	seq         bigint not null primary key,
	received_at bigint not null, -- UTC microseconds, by the wall
	elapsed     bigint not null, -- microseconds that appending processes have lived, by clocks that nobody sets
	bytes       bytea not null
);
-- What is sealed does not compress, and of what lies outside the row a part can be read.
alter table log_frames alter column bytes set storage external;

-- Keyed hashes of an order and what happened to it, for as long as the record is kept.
create table log_orders (
	key bytea not null primary key,
	seq bigint not null
);

-- One row: whose turn it is to append, and a number that is counted up to see whether the
-- disk takes it.
create table log_head (
	one    bigint not null primary key check (one = 1),
	probes bigint not null
);
insert into log_head (one, probes) values (1, 0);
