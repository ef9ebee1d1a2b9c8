-- +goose Up
-- Who wants a decision reviewed by a person. What they wrote, and what was answered, is in
-- the steps, sealed; each step has a leaf.
create table decision_contests (
	id          bytea not null primary key,
	decision_id bytea not null,
	subject_id  bytea not null,
	appeal      bigint not null, -- 1 for the second review
	opened_at   bigint not null,
	due_at      bigint not null,
	rule        text not null, -- which law sets the date
	state       text not null, -- open, claimed, answered
	outcome     text not null, -- upheld, overturned, superseded; empty before
	reviewer    text not null, -- of the staff; empty before
	unique (decision_id, appeal)
);
create index decision_contests_due on decision_contests (state, due_at);
create index decision_contests_subject on decision_contests (subject_id);
create table decision_steps (
	id         bytea not null primary key,
	contest_id bytea not null,
	subject_id bytea not null,
	kind       text not null,
	at         bigint not null,
	body       bytea not null -- sealed: the step and its ledger opening
);
create index decision_steps_contest on decision_steps (contest_id, at);
create index decision_steps_subject on decision_steps (subject_id, at);
create index decision_decisions_overturned on decision_decisions (subject_id, capability) where standing = 'overturned';
