-- +goose Up
create table decision_decisions (
	id         blob    not null primary key,
	subject_id blob    not null,
	capability text    not null,
	at         integer not null,
	model      blob    not null, -- the model's hash
	body       blob    not null  -- sealed: the record and its ledger opening
) strict;
create index decision_decisions_subject on decision_decisions (subject_id, at);
create index decision_decisions_at on decision_decisions (at);
