-- +goose Up
create table job_jobs (
	id          bytea    not null primary key,
	kind        text    not null,
	payload     text    not null, -- JSON; tokens and counts, nothing personal
	dedupe      text    unique,   -- one waiting job per key
	run_at      bigint not null, -- UTC microseconds
	state       text    not null check (state in ('waiting', 'running', 'done', 'failed')),
	tries       bigint not null default 0,
	lease_until bigint not null default 0,
	fence       bigint not null default 0,
	error       text    not null default '',
	created_at  bigint not null,
	finished_at bigint
);
create index job_jobs_due on job_jobs (state, run_at);
