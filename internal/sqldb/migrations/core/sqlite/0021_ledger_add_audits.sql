-- +goose Up
create table ledger_audits ( -- the last audits: what was held against the leaves, and what did not fit
	id       blob not null primary key,
	at       integer not null,
	took_ms  integer not null,
	size     integer not null, -- leaves of the signed tree
	compared integer not null, -- rows that were held against their leaf
	findings text not null -- JSON list; names tables and rules, and nobody
) strict;
alter table ledger_witnesses add column clock_off integer not null default 0; -- its clock less ours when it cosigned last, microseconds
