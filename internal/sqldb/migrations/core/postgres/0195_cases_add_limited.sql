-- +goose Up
-- Whether who disputes a value had the use of their data limited meanwhile (GDPR Art.
-- 18(1)(a)): 1 asked for, 2 in force, 3 ended; 0 for never.
alter table cases_requests add column limited bigint not null default 0;
create index cases_requests_limited on cases_requests (limited, id) where limited in (1, 2);
