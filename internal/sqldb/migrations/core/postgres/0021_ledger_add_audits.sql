-- +goose Up
create table ledger_audits ( -- the last audits: what was held against the leaves, and what did not fit
	id       bytea not null primary key,
	at       bigint not null,
	took_ms  bigint not null,
	size     bigint not null, -- leaves of the signed tree
	compared bigint not null, -- rows that were held against their leaf
	findings text not null -- JSON list; names tables and rules, and nobody
);
alter table ledger_witnesses add column clock_off bigint not null default 0; -- its clock less ours when it cosigned last, microseconds
