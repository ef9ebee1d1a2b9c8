-- +goose Up
-- A log ends when its database was put back from a backup: the next epoch is another tree, in the
-- same tables, from these rows on.
alter table ledger_state add column epoch     integer not null default 1;
alter table ledger_state add column leaf_base integer not null default 0;
alter table ledger_state add column hash_base integer not null default 0;
create table ledger_epochs ( -- those that have ended
	epoch     integer not null primary key,
	vkey      text    not null, -- verifier key of the log as it was
	leaf_base integer not null,
	hash_base integer not null,
	size      integer not null,
	note      text    not null, -- its last signed checkpoint; '' if nothing was signed
	cosigned  text    not null, -- its last checkpoint that reached the quorum; '' if none
	opening   blob    not null, -- of the next epoch's first leaf; about nobody
	ended_at  integer not null
) strict;
create table ledger_cosigned ( -- the newest checkpoint that reached the quorum
	id   integer not null primary key check (id = 1),
	size integer not null,
	note text    not null -- with the cosignatures; '' before the first
) strict;
insert into ledger_cosigned (id, size, note) values (1, 0, '');
create table ledger_witnesses ( -- how each witness stood when it was asked last
	vkey       text    not null primary key,
	state      text    not null,
	cause      text    not null,
	size       integer not null, -- of the last checkpoint it cosigned
	asked_at   integer not null,
	changed_at integer not null -- since when it has the state
) strict;

-- +goose StatementBegin
create trigger ledger_epochs_update before update on ledger_epochs begin select raise(abort, 'the ledger only grows'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger ledger_epochs_delete before delete on ledger_epochs begin select raise(abort, 'the ledger only grows'); end;
-- +goose StatementEnd
