-- +goose Up
-- Decisions that were committed together are leaves of one tree, whose root is one leaf of
-- the ledger. A batch holds nobody: its leaves are hashes under salts that are sealed
-- with the decisions.
create table decision_batches (
	id      blob not null primary key,
	size    integer not null,
	gone    integer not null, -- decisions that were erased or have expired
	leaves  blob not null, -- one after the other
	opening blob not null  -- of the root's leaf
) strict;
alter table decision_decisions add column batch blob;
alter table decision_decisions add column place integer not null default 0;
alter table decision_decisions add column about text not null default 'person';
alter table decision_decisions add column standing text not null default 'stands'; -- stands, overturned, superseded
create index decision_decisions_batch on decision_decisions (batch, place);
