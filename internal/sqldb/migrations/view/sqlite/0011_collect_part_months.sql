-- +goose Up
-- What the steps of late added to a month lies in a row of its own, so that what is added does
-- not write all of the month again: part 0 is put together, part 1 is what came since.
create table collect_months_2 (
	subject_id   blob not null,
	category     text not null,
	month        integer not null, -- since January 1970, in which the events came in
	part         integer not null,
	interactions blob not null,
	profile      blob not null,
	primary key (subject_id, category, month, part)
) strict, without rowid;
insert into collect_months_2 (subject_id, category, month, part, interactions, profile)
	select subject_id, category, month, 0, interactions, profile from collect_months;
drop table collect_months;
alter table collect_months_2 rename to collect_months;
