-- +goose Up
-- Some laws have who asked told within days that the request came (11 CCR 7021(a)): by
-- when, by which rule, and when it was. Null where no law asks for it, and until it was.
alter table cases_requests add column ack_by bigint;
alter table cases_requests add column ack_at bigint;
alter table cases_requests add column ack_rule text not null default '';
create index cases_requests_ack on cases_requests (ack_by, id) where ack_by is not null and ack_at is null and closed_at is null;
