-- +goose Up
create table staff_accounts (
	id            blob    not null primary key,
	name          text    not null unique, -- never given again
	roles         text    not null,        -- JSON
	status        text    not null check (status in ('invited', 'active', 'locked', 'left')),
	trained_until integer not null,
	created_at    integer not null,
	seen_at       integer not null,
	password      text    not null, -- argon2id as a PHC string; empty for none
	secret        blob,             -- sealed: what an app makes codes of
	code_step     integer not null  -- of the last code that came in
) strict;
create table staff_recovery (
	hash       blob    not null primary key,
	account_id blob    not null references staff_accounts (id),
	used_at    integer
) strict;
create index staff_recovery_account on staff_recovery (account_id);
create table staff_browsers (
	hash       blob    not null primary key, -- SHA-256 of a cookie that a sign-in leaves
	account_id blob    not null references staff_accounts (id),
	expires_at integer not null
) strict;
create table staff_changes (
	id         blob    not null primary key,
	account_id blob    not null references staff_accounts (id),
	at         integer not null,
	opening    blob    not null -- of the leaf; its record says who changed what
) strict;
create index staff_changes_account on staff_changes (account_id, at);
