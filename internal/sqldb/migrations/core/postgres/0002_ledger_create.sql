-- +goose Up
create table ledger_queue ( -- leaves whose transaction has committed, not yet in the tree
	id        bigint not null generated always as identity primary key,
	leaf      bytea  not null check (length(leaf) = 54), -- ledger.Leaf: a salted commitment, nothing personal
	queued_at bigint not null -- UTC microseconds; the row goes when the leaf is in the tree
);
create table ledger_leaves (
	idx  bigint not null primary key,
	leaf bytea  not null check (length(leaf) = 54)
);
create unique index ledger_leaves_commitment on ledger_leaves (substr(leaf, 23, 32));
create table ledger_hashes (
	idx  bigint not null primary key, -- tlog.StoredHashIndex
	hash bytea  not null check (length(hash) = 32)
);
create table ledger_state (
	id   bigint not null primary key check (id = 1),
	size bigint not null,
	note text   not null -- the signed checkpoint of that size; '' before the first
);
create table ledger_lease (
	id          bigint not null primary key check (id = 1),
	holder      text   not null,
	fence       bigint not null, -- counts the holders: a stale one knows an old number
	lease_until bigint not null
);
insert into ledger_state (id, size, note) values (1, 0, '');
insert into ledger_lease (id, holder, fence, lease_until) values (1, '', 0, 0);

-- The log only grows. This stops mistakes; the auditor finds the rest.
-- +goose StatementBegin
create function ledger_only_grows() returns trigger language plpgsql as $$
begin
	raise exception 'the ledger only grows';
end $$;
-- +goose StatementEnd
create trigger ledger_leaves_keep before update or delete or truncate on ledger_leaves
	for each statement execute function ledger_only_grows();
create trigger ledger_hashes_keep before update or delete or truncate on ledger_hashes
	for each statement execute function ledger_only_grows();
