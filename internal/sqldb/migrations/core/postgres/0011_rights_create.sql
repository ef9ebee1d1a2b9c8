-- +goose Up
create table rights_requests (
	id         bytea    not null primary key,
	subject_id bytea,             -- whose; forgotten when an erasure is done
	kind       text    not null check (kind in ('access', 'erase')),
	state      text    not null check (state in ('executing', 'fulfilled')),
	at         bigint not null,
	done_at    bigint,
	report     text    not null, -- JSON: holders and counts, nothing personal
	opening    bytea    not null  -- what opens the leaf: counts, nothing personal
);
create index rights_requests_at on rights_requests (at);
