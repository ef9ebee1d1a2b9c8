-- +goose Up
-- Who may take everything along that is kept about them, once and soon. Of the ticket only
-- its digest is here.
create table rights_tickets (
	digest     bytea not null primary key,
	subject_id bytea not null,
	at         bigint not null,
	until      bigint not null
);
create index rights_tickets_subject on rights_tickets (subject_id);
