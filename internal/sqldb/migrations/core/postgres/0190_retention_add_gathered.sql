-- +goose Up
-- How far was read of who was there: the last frame of the log of events.
create table retention_gathered (
	name text not null primary key,
	seq  bigint not null
);
