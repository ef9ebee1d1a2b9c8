-- +goose Up
-- Placement: by subject. A person may have several subjects, joined by links. What the links
-- amount to is kept beside each subject, so that a question about one costs one indexed look.
alter table subject_subjects add column person     bytea;    -- the person's canonical subject; null: it is the only one
alter table subject_subjects add column joined     bigint; -- since when it is of one person with the canonical one, UTC microseconds
alter table subject_subjects add column restricted bigint not null default 0; -- 1: kept and not used (GDPR Art. 18)
alter table subject_subjects add column age        bytea;    -- sealed; null: unknown
create index subject_subjects_person on subject_subjects (person, id) where person is not null;

create table subject_merges (
	id       bytea    not null primary key,
	survivor bytea    not null, -- the older of the two that were named; its key seals
	absorbed bytea    not null,
	at       bigint not null, -- UTC microseconds
	sealed   bytea    not null  -- the evidence and the link's ledger opening
);
create index subject_merges_survivor on subject_merges (survivor);
create index subject_merges_absorbed on subject_merges (absorbed);

-- Two people who have to do with each other and are not one: a row for each of the two.
create table subject_relations (
	subject bytea    not null,
	other   bytea    not null,
	at      bigint not null, -- UTC microseconds
	sealed  bytea    not null, -- the kind and the part of this one in it
	primary key (subject, other)
);
create index subject_relations_other on subject_relations (other);

-- The generations of the index keys that are asked, by kind of identifier and for the
-- suppressions. The highest writes.
create table subject_generations (
	kind text    not null,
	gen  bigint not null,
	primary key (kind, gen)
);
insert into subject_generations (kind, gen) values ('account', 1), ('email', 1), ('phone', 1), ('device', 1), ('suppression', 1);
alter table subject_identifiers  add column gen      bigint not null default 1; -- of blind
alter table subject_identifiers  add column mark_gen bigint not null default 1; -- of mark
alter table subject_suppressions add column gen      bigint not null default 1; -- of mark
