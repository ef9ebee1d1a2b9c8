-- +goose Up
-- Corrections are executed. SQLite cannot change a check: the table is written anew.
create table rights_requests_3 (
	id         blob    not null primary key,
	subject_id blob,             -- whose; forgotten when an erasure is done
	kind       text    not null check (kind in ('access', 'erase', 'restrict', 'lift', 'object', 'expire', 'merge', 'unmerge', 'rectify')),
	state      text    not null check (state in ('executing', 'fulfilled', 'refused')),
	at         integer not null,
	done_at    integer,
	report     text    not null, -- JSON: holders and counts, nothing personal
	opening    blob    not null, -- what opens the leaf: counts, nothing personal
	others     blob              -- who else is concerned, 16 bytes each; null once it is done
) strict;
insert into rights_requests_3 (id, subject_id, kind, state, at, done_at, report, opening, others)
	select id, subject_id, kind, state, at, done_at, report, opening, others from rights_requests;
drop table rights_requests;
alter table rights_requests_3 rename to rights_requests;
create index rights_requests_at on rights_requests (at);
create index rights_requests_subject on rights_requests (subject_id, at);
