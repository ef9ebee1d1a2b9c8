-- +goose Up
-- Placement: reference. Accounts that look as if they were made to push an item, and what a
-- person decided about them. A finding names nobody.
create table recommend_findings (
	id         blob not null primary key,
	kind       text not null check (kind in ('pull', 'alike')),
	item       text not null,
	accounts   integer not null,
	why        text not null,
	found_at   integer not null,
	state      text not null check (state in ('open', 'quarantined', 'dismissed', 'released')),
	decided_by text not null,
	decided_at integer,
	note       text not null, -- what whoever decided last found
	opening    blob not null, -- what opens its leaf: it names nobody
	closing    blob -- what opens the leaf of the last decision
) strict;
create index recommend_findings_state on recommend_findings (state, found_at);
create index recommend_findings_item on recommend_findings (kind, item);

-- Placement: by subject. Who is in a finding: left out of learning while it is quarantined.
create table recommend_suspects (
	subject_id blob not null,
	finding_id blob not null references recommend_findings (id),
	primary key (subject_id, finding_id)
) strict;
create index recommend_suspects_finding on recommend_suspects (finding_id);

-- Placement: reference. How often the list of who is left out was changed.
create table recommend_quarantine (
	id       integer not null primary key check (id = 1),
	revision integer not null
) strict;
insert into recommend_quarantine (id, revision) values (1, 0);
