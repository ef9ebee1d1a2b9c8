-- +goose Up
-- Events that were refused at the door: it was decided that nothing of their category is kept.
alter table collect_minutes add column not_kept bigint not null default 0;
