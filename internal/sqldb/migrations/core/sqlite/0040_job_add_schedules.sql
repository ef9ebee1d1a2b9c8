-- +goose Up
-- The key of a job is taken off when it starts, and given back when it waits to be
-- tried again.
alter table job_jobs add column claim text not null default '';
update job_jobs set claim = coalesce(dedupe, '');

create table job_schedules (
	name    text    not null primary key,
	next_at integer not null, -- UTC microseconds
	last_at integer not null default 0
) strict;
