-- +goose Up
create table gate_uses (
	id         bytea    not null primary key,
	subject_id bytea    not null,
	at         bigint not null,
	actor_kind text    not null,
	actor      text    not null,
	purpose    text    not null,
	categories text    not null,
	uses       bigint not null, -- how many within one batch
	opening    bytea    not null  -- sealed: the ledger opening of the read, empty for batched uses
);
create index gate_uses_subject on gate_uses (subject_id, at);
create table gate_batches (
	id         bytea    not null primary key,
	at         bigint not null,
	uses       bigint not null,
	opening    bytea    not null -- what opens the batch's leaf: counts only
);
