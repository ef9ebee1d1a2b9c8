-- +goose Up
create table decision_decisions (
	id         bytea    not null primary key,
	subject_id bytea    not null,
	capability text    not null,
	at         bigint not null,
	model      bytea    not null, -- the model's hash
	body       bytea    not null  -- sealed: the record and its ledger opening
);
create index decision_decisions_subject on decision_decisions (subject_id, at);
create index decision_decisions_at on decision_decisions (at);
