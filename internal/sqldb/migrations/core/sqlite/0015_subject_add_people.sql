-- +goose Up
-- Placement: by subject. A person may have several subjects, joined by links. What the links
-- amount to is kept beside each subject, so that a question about one costs one indexed look.
alter table subject_subjects add column person     blob;    -- the person's canonical subject; null: it is the only one
alter table subject_subjects add column joined     integer; -- since when it is of one person with the canonical one, UTC microseconds
alter table subject_subjects add column restricted integer not null default 0; -- 1: kept and not used (GDPR Art. 18)
alter table subject_subjects add column age        blob;    -- sealed; null: unknown
create index subject_subjects_person on subject_subjects (person, id) where person is not null;

create table subject_merges (
	id       blob    not null primary key,
	survivor blob    not null, -- the older of the two that were named; its key seals
	absorbed blob    not null,
	at       integer not null, -- UTC microseconds
	sealed   blob    not null  -- the evidence and the link's ledger opening
) strict;
create index subject_merges_survivor on subject_merges (survivor);
create index subject_merges_absorbed on subject_merges (absorbed);

-- Two people who have to do with each other and are not one: a row for each of the two.
create table subject_relations (
	subject blob    not null,
	other   blob    not null,
	at      integer not null, -- UTC microseconds
	sealed  blob    not null, -- the kind and the part of this one in it
	primary key (subject, other)
) strict, without rowid;
create index subject_relations_other on subject_relations (other);

-- The generations of the index keys that are asked, by kind of identifier and for the
-- suppressions. The highest writes.
create table subject_generations (
	kind text    not null,
	gen  integer not null,
	primary key (kind, gen)
) strict, without rowid;
insert into subject_generations (kind, gen) values ('account', 1), ('email', 1), ('phone', 1), ('device', 1), ('suppression', 1);
alter table subject_identifiers  add column gen      integer not null default 1; -- of blind
alter table subject_identifiers  add column mark_gen integer not null default 1; -- of mark
alter table subject_suppressions add column gen      integer not null default 1; -- of mark
