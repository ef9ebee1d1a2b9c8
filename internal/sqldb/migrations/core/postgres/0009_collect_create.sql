-- +goose Up
-- Placement: single. Nothing here is about a person: hashes, line numbers, rules and counts.
create table collect_imports (
	id          bytea   not null primary key,
	name        text    not null, -- what the operator called the source
	source      bytea   not null unique, -- SHA-256 of the whole file: one import per content
	state       text    not null check (state in ('running', 'finished')),
	line        bigint  not null default 0, -- everything up to this line is committed
	row_count   bigint  not null default 0,
	orders      bigint  not null default 0,
	returns     bigint  not null default 0,
	guests      bigint  not null default 0,
	known       bigint  not null default 0, -- orders that were there already
	suppressed  bigint  not null default 0, -- orders of forgotten people, dropped
	subjects    bigint  not null default 0, -- people met for the first time
	no_country  bigint  not null default 0, -- orders with no country we can name
	rejected    bigint  not null default 0, -- rows
	reasons     text    not null, -- JSON: rule to count of rejected rows
	started_at  bigint  not null, -- UTC microseconds
	updated_at  bigint  not null
);

-- The first thousand rejected rows of an import: where and why, never what.
create table collect_rejects (
	import_id bytea   not null references collect_imports (id),
	line      bigint  not null,
	reason    text    not null,
	primary key (import_id, line)
);
