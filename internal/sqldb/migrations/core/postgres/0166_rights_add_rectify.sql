-- +goose Up
-- Corrections are executed.
alter table rights_requests drop constraint rights_requests_kind_check;
alter table rights_requests add constraint rights_requests_kind_check
	check (kind in ('access', 'erase', 'restrict', 'lift', 'object', 'expire', 'merge', 'unmerge', 'rectify'));
