-- +goose Up
-- Who wants a decision reviewed by a person. What they wrote, and what was answered, is in
-- the steps, sealed; each step has a leaf.
create table decision_contests (
	id          blob not null primary key,
	decision_id blob not null,
	subject_id  blob not null,
	appeal      integer not null, -- 1 for the second review
	opened_at   integer not null,
	due_at      integer not null,
	rule        text not null, -- which law sets the date
	state       text not null, -- open, claimed, answered
	outcome     text not null, -- upheld, overturned, superseded; empty before
	reviewer    text not null, -- of the staff; empty before
	unique (decision_id, appeal)
) strict;
create index decision_contests_due on decision_contests (state, due_at);
create index decision_contests_subject on decision_contests (subject_id);
create table decision_steps (
	id         blob not null primary key,
	contest_id blob not null,
	subject_id blob not null,
	kind       text not null,
	at         integer not null,
	body       blob not null -- sealed: the step and its ledger opening
) strict;
create index decision_steps_contest on decision_steps (contest_id, at);
create index decision_steps_subject on decision_steps (subject_id, at);
create index decision_decisions_overturned on decision_decisions (subject_id, capability) where standing = 'overturned';
