-- +goose Up
-- Placement: single. Nothing here is about a person: hashes, line numbers, rules and counts.
create table collect_imports (
	id          blob    not null primary key,
	name        text    not null, -- what the operator called the source
	source      blob    not null unique, -- SHA-256 of the whole file: one import per content
	state       text    not null check (state in ('running', 'finished')),
	line        integer not null default 0, -- everything up to this line is committed
	row_count   integer not null default 0,
	orders      integer not null default 0,
	returns     integer not null default 0,
	guests      integer not null default 0,
	known       integer not null default 0, -- orders that were there already
	suppressed  integer not null default 0, -- orders of forgotten people, dropped
	subjects    integer not null default 0, -- people met for the first time
	no_country  integer not null default 0, -- orders with no country we can name
	rejected    integer not null default 0, -- rows
	reasons     text    not null, -- JSON: rule to count of rejected rows
	started_at  integer not null, -- UTC microseconds
	updated_at  integer not null
) strict;

-- The first thousand rejected rows of an import: where and why, never what.
create table collect_rejects (
	import_id blob    not null references collect_imports (id),
	line      integer not null,
	reason    text    not null,
	primary key (import_id, line)
) strict, without rowid;
