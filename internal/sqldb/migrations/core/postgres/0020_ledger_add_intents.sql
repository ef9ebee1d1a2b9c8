-- +goose Up
-- What is done outside of this database: said before, done, said after.
create table ledger_intents (
	id         bytea not null primary key,
	kind       text not null, -- of the act, such as 'model.destroy'
	payload    text not null, -- JSON that names things and nobody
	opened_at  bigint not null,
	opening    bytea not null, -- of the intent's leaf; about nobody
	done_at    bigint not null, -- 0 while the act is open
	outcome    text not null, -- JSON; '' while the act is open
	completion bytea not null  -- opening of the completion's leaf; empty while the act is open
);
create index ledger_intents_open on ledger_intents (opened_at) where done_at = 0;
