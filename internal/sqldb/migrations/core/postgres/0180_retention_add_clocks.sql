-- +goose Up
-- What a run's period is counted from: collection, last_interaction or purpose_end.
alter table retention_runs add column clock text not null default 'collection';
