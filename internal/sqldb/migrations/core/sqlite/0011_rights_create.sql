-- +goose Up
create table rights_requests (
	id         blob    not null primary key,
	subject_id blob,             -- whose; forgotten when an erasure is done
	kind       text    not null check (kind in ('access', 'erase')),
	state      text    not null check (state in ('executing', 'fulfilled')),
	at         integer not null,
	done_at    integer,
	report     text    not null, -- JSON: holders and counts, nothing personal
	opening    blob    not null  -- what opens the leaf: counts, nothing personal
) strict;
create index rights_requests_at on rights_requests (at);
