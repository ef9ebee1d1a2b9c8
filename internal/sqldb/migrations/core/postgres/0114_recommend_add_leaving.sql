-- +goose Up
-- Placement: by subject. Who may be in a model that is kept and is to be looked at again:
-- written in the transaction of the change, deleted when no model is kept that knew them.
create table recommend_leaving (
	id         bytea not null primary key, -- one change of one person
	subject_id bytea not null,
	at         bigint not null -- UTC microseconds
);
create index recommend_leaving_subject on recommend_leaving (subject_id);
-- How often rows were deleted: who serves a model that was read before has to read again.
create table recommend_turns (
	id   bigint not null primary key check (id = 1),
	turn bigint not null
);
insert into recommend_turns (id, turn) values (1, 1);
