-- +goose Up
create table ledger_queue ( -- leaves whose transaction has committed, not yet in the tree
	id        integer not null primary key,
	leaf      blob    not null check (length(leaf) = 54), -- ledger.Leaf: a salted commitment, nothing personal
	queued_at integer not null -- UTC microseconds; the row goes when the leaf is in the tree
) strict;
create table ledger_leaves (
	idx  integer not null primary key,
	leaf blob    not null check (length(leaf) = 54)
) strict;
create unique index ledger_leaves_commitment on ledger_leaves (substr(leaf, 23, 32));
create table ledger_hashes (
	idx  integer not null primary key, -- tlog.StoredHashIndex
	hash blob    not null check (length(hash) = 32)
) strict;
create table ledger_state (
	id   integer not null primary key check (id = 1),
	size integer not null,
	note text    not null -- the signed checkpoint of that size; '' before the first
) strict;
create table ledger_lease (
	id          integer not null primary key check (id = 1),
	holder      text    not null,
	fence       integer not null, -- counts the holders: a stale one knows an old number
	lease_until integer not null
) strict;
insert into ledger_state (id, size, note) values (1, 0, '');
insert into ledger_lease (id, holder, fence, lease_until) values (1, '', 0, 0);

-- The log only grows. This stops mistakes; the auditor finds the rest.
-- +goose StatementBegin
create trigger ledger_leaves_update before update on ledger_leaves begin select raise(abort, 'the ledger only grows'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger ledger_leaves_delete before delete on ledger_leaves begin select raise(abort, 'the ledger only grows'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger ledger_hashes_update before update on ledger_hashes begin select raise(abort, 'the ledger only grows'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger ledger_hashes_delete before delete on ledger_hashes begin select raise(abort, 'the ledger only grows'); end;
-- +goose StatementEnd
