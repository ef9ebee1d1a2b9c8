-- +goose Up
-- What the steps of late added to a month lies in a row of its own, so that what is added does
-- not write all of the month again: part 0 is put together, part 1 is what came since.
create table collect_months_2 (
	subject_id   bytea not null,
	category     text not null,
	month        bigint not null, -- since January 1970, in which the events came in
	part         bigint not null,
	interactions bytea not null,
	profile      bytea not null,
	primary key (subject_id, category, month, part)
);
insert into collect_months_2 (subject_id, category, month, part, interactions, profile)
	select subject_id, category, month, 0, interactions, profile from collect_months;
drop table collect_months;
alter table collect_months_2 rename to collect_months;
alter index collect_months_2_pkey rename to collect_months_pkey;
