-- +goose Up
-- Decisions that were committed together are leaves of one tree, whose root is one leaf of
-- the ledger. A batch holds nobody: its leaves are hashes under salts that are sealed
-- with the decisions.
create table decision_batches (
	id      bytea not null primary key,
	size    bigint not null,
	gone    bigint not null, -- decisions that were erased or have expired
	leaves  bytea not null, -- one after the other
	opening bytea not null  -- of the root's leaf
);
alter table decision_decisions add column batch bytea;
alter table decision_decisions add column place bigint not null default 0;
alter table decision_decisions add column about text not null default 'person';
alter table decision_decisions add column standing text not null default 'stands'; -- stands, overturned, superseded
create index decision_decisions_batch on decision_decisions (batch, place);
