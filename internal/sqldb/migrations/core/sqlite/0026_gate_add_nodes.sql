-- +goose Up
-- The processes that judge, and until when each may. The database's clock counts.
create table gate_nodes (
	node        blob   not null primary key, -- random, new with each start
	seen        integer not null, -- the tick up to which it has heard of moves
	lease_until integer not null, -- UTC microseconds; a node past it judges nothing
	joined_at   integer not null
) strict;
-- Whose epoch has moved, of the last minute. It is written in the transaction of
-- the change, and ticked afterwards: ticks are given in the order of commits.
create table gate_moves (
	batch      blob   not null, -- one transaction
	subject_id blob   not null, -- 16 zero bytes: everybody
	tick       integer not null, -- 0: not ticked
	at         integer not null,
	primary key (batch, subject_id)
) strict;
create index gate_moves_tick on gate_moves (tick);
create table gate_clock (
	id   integer not null primary key check (id = 1),
	tick integer not null
) strict;
insert into gate_clock (id, tick) values (1, 0);
