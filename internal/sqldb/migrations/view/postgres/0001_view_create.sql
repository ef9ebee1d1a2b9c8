-- +goose Up
-- The set is empty until something is made from the log.
select 1;
