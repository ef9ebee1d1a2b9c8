-- +goose Up
create table gate_uses (
	id         blob    not null primary key,
	subject_id blob    not null,
	at         integer not null,
	actor_kind text    not null,
	actor      text    not null,
	purpose    text    not null,
	categories text    not null,
	uses       integer not null, -- how many within one batch
	opening    blob    not null  -- sealed: the ledger opening of the read, empty for batched uses
) strict;
create index gate_uses_subject on gate_uses (subject_id, at);
create table gate_batches (
	id         blob    not null primary key,
	at         integer not null,
	uses       integer not null,
	opening    blob    not null -- what opens the batch's leaf: counts only
) strict;
