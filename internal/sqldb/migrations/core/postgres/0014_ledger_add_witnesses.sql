-- +goose Up
-- A log ends when its database was put back from a backup: the next epoch is another tree, in the
-- same tables, from these rows on.
alter table ledger_state add column epoch     bigint not null default 1;
alter table ledger_state add column leaf_base bigint not null default 0;
alter table ledger_state add column hash_base bigint not null default 0;
create table ledger_epochs ( -- those that have ended
	epoch     bigint not null primary key,
	vkey      text   not null, -- verifier key of the log as it was
	leaf_base bigint not null,
	hash_base bigint not null,
	size      bigint not null,
	note      text   not null, -- its last signed checkpoint; '' if nothing was signed
	cosigned  text   not null, -- its last checkpoint that reached the quorum; '' if none
	opening   bytea  not null, -- of the next epoch's first leaf; about nobody
	ended_at  bigint not null
);
create table ledger_cosigned ( -- the newest checkpoint that reached the quorum
	id   bigint not null primary key check (id = 1),
	size bigint not null,
	note text   not null -- with the cosignatures; '' before the first
);
insert into ledger_cosigned (id, size, note) values (1, 0, '');
create table ledger_witnesses ( -- how each witness stood when it was asked last
	vkey       text   not null primary key,
	state      text   not null,
	cause      text   not null,
	size       bigint not null, -- of the last checkpoint it cosigned
	asked_at   bigint not null,
	changed_at bigint not null -- since when it has the state
);

create trigger ledger_epochs_keep before update or delete or truncate on ledger_epochs
	for each statement execute function ledger_only_grows();
