-- +goose Up
alter table rights_requests drop constraint rights_requests_kind_check;
alter table rights_requests drop constraint rights_requests_state_check;
alter table rights_requests add constraint rights_requests_kind_check
	check (kind in ('access', 'erase', 'restrict', 'lift', 'object', 'expire', 'merge', 'unmerge'));
alter table rights_requests add constraint rights_requests_state_check check (state in ('executing', 'fulfilled', 'refused'));
alter table rights_requests add column others bytea; -- who else is concerned, 16 bytes each; null once it is done
create index rights_requests_subject on rights_requests (subject_id, at);
