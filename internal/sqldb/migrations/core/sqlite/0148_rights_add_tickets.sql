-- +goose Up
-- Who may take everything along that is kept about them, once and soon. Of the ticket only
-- its digest is here.
create table rights_tickets (
	digest     blob not null primary key,
	subject_id blob not null,
	at         integer not null,
	until      integer not null
) strict;
create index rights_tickets_subject on rights_tickets (subject_id);
