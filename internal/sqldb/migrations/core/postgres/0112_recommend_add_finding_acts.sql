-- +goose Up
-- Placement: reference. What became of findings, each a leaf. It names nobody who buys.
create table recommend_finding_acts (
	id         bytea not null primary key,
	finding_id bytea not null references recommend_findings (id),
	act        text not null check (act in ('open', 'quarantined', 'dismissed', 'released')),
	staff      text not null, -- "" for the program itself
	people     bigint not null, -- who were in it then
	revision   bigint not null, -- of the list of who is left out, after it; 0 when it was found
	at         bigint not null,
	opening    bytea not null -- what opens its leaf
);
create index recommend_finding_acts_finding on recommend_finding_acts (finding_id);
insert into recommend_finding_acts (id, finding_id, act, staff, people, revision, at, opening)
	select id, id, 'open', '', accounts, 0, found_at, opening from recommend_findings;
alter table recommend_findings drop column opening;
alter table recommend_findings drop column closing;
