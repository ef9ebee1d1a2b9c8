-- +goose Up
-- Placement: reference. Accounts that look as if they were made to push an item, and what a
-- person decided about them. A finding names nobody.
create table recommend_findings (
	id         bytea not null primary key,
	kind       text not null check (kind in ('pull', 'alike')),
	item       text not null,
	accounts   bigint not null,
	why        text not null,
	found_at   bigint not null,
	state      text not null check (state in ('open', 'quarantined', 'dismissed', 'released')),
	decided_by text not null,
	decided_at bigint,
	note       text not null, -- what whoever decided last found
	opening    bytea not null, -- what opens its leaf: it names nobody
	closing    bytea -- what opens the leaf of the last decision
);
create index recommend_findings_state on recommend_findings (state, found_at);
create index recommend_findings_item on recommend_findings (kind, item);

-- Placement: by subject. Who is in a finding: left out of learning while it is quarantined.
create table recommend_suspects (
	subject_id bytea not null,
	finding_id bytea not null references recommend_findings (id),
	primary key (subject_id, finding_id)
);
create index recommend_suspects_finding on recommend_suspects (finding_id);

-- Placement: reference. How often the list of who is left out was changed.
create table recommend_quarantine (
	id       bigint not null primary key check (id = 1),
	revision bigint not null
);
insert into recommend_quarantine (id, revision) values (1, 0);
