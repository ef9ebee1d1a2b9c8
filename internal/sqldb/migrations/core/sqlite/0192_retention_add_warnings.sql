-- +goose Up
-- Which of several rules of one clock a run is of: its period, and whether a law or the
-- operator says so.
alter table retention_runs add column rule text not null default '';
-- Who is told beforehand that they are forgotten for not having been there (DPDP Rules 2025,
-- rule 8(2)), and what became of the letter. No address and no word of it is here.
create table retention_warnings (
	subject_id blob not null primary key,
	seen_on    integer not null, -- the day on which they were there last
	due_on     integer not null, -- from which day they are forgotten, unless they are there before
	span       text not null,
	source     text not null, -- JSON: the law or the operator
	state      text not null, -- owed, queued, told, unreached, back
	why        text not null,
	messages   text not null, -- tokens of the outbox, one for each address
	at         integer not null, -- since when it is owed; of back: when that was found
	next_at    integer not null, -- when it is looked at next
	told_at    integer not null  -- 0 until it is certain that they were told, or cannot be
) strict;
-- Beside the frame of the log: 'epoch' in retention_gathered is the epoch of the ledger.
create index retention_warnings_next on retention_warnings (next_at) where state in ('owed', 'queued');
