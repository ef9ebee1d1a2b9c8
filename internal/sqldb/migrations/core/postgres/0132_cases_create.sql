-- +goose Up
-- What was asked for, by when it is due, and each step until it is answered. Each step
-- has a leaf, and stays without a person. What was written is sealed, and goes with them.
create table cases_requests (
	id         bytea not null primary key,
	subject_id bytea,               -- whose; null for nobody's, and once the person is erased
	kind       text not null,
	state      text not null,
	via        text not null,
	at         bigint not null,
	due_at     bigint not null,      -- the first instant that is too late
	closed_at  bigint,
	staff      text not null,      -- whose it is; empty for nobody's
	refuser    text not null,      -- who of the staff refused it; empty for nobody
	steps      bigint not null,
	facts      text not null       -- JSON: dates, purposes, packs, tokens of what was done; nothing personal
);
create index cases_requests_due on cases_requests (due_at, id) where closed_at is null;
create index cases_requests_closed on cases_requests (closed_at, id) where closed_at is not null;
create index cases_requests_state on cases_requests (state, at);
create index cases_requests_subject on cases_requests (subject_id, at);
create table cases_steps (
	case_id bytea not null,
	n       bigint not null, -- 1 is the first
	what    text not null,
	at      bigint not null,
	staff   text not null,    -- who of the staff did it; empty for others
	opening bytea not null, -- what opens the leaf: words of the program, dates, hashes
	words   bytea,          -- sealed: what was written; gone with the person
	primary key (case_id, n)
);
