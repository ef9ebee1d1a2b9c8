-- +goose Up
-- A feed is an import without end: what a shop system sends us, one delivery at a time.
alter table collect_imports add column feed text not null default '';

-- Placement: single. What was delivered, so that it counts once; no person is in it.
create table collect_deliveries (
	digest blob not null primary key, -- keyed hash of the feed and the body
	feed   text    not null,
	topic  text    not null,
	at     integer not null, -- UTC microseconds
	became text    not null -- taken, erased, nobody, waits, done or ignored
) strict, without rowid;
create index collect_deliveries_waits on collect_deliveries (became, at);

-- Placement: single. The batches of receipts that tills have signed, so that each counts once.
create table collect_receipts (
	till        text    not null,
	sequence    integer not null,
	key_id      text    not null,
	digest      blob not null, -- SHA-256 of what was signed
	receipts    integer not null,
	recorded_at integer not null,
	primary key (till, sequence)
) strict, without rowid;
