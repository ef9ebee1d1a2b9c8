-- +goose Up
-- A till's number is taken before its batch is imported, for this batch alone, and used up when
-- its orders are in.
alter table collect_receipts add column open bigint not null default 0;
