-- +goose Up
-- Names of before were shown whoever had sent them. They come again by themselves.
delete from collect_proposals;
alter table collect_proposals add column source bigint not null default 0; -- that sent it first, and makes room for it
create index collect_proposals_source on collect_proposals (source);
