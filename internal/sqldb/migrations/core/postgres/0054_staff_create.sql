-- +goose Up
create table staff_accounts (
	id            bytea    not null primary key,
	name          text    not null unique, -- never given again
	roles         text    not null,        -- JSON
	status        text    not null check (status in ('invited', 'active', 'locked', 'left')),
	trained_until bigint not null,
	created_at    bigint not null,
	seen_at       bigint not null,
	password      text    not null, -- argon2id as a PHC string; empty for none
	secret        bytea,             -- sealed: what an app makes codes of
	code_step     bigint not null  -- of the last code that came in
);
create table staff_recovery (
	hash       bytea    not null primary key,
	account_id bytea    not null references staff_accounts (id),
	used_at    bigint
);
create index staff_recovery_account on staff_recovery (account_id);
create table staff_browsers (
	hash       bytea    not null primary key, -- SHA-256 of a cookie that a sign-in leaves
	account_id bytea    not null references staff_accounts (id),
	expires_at bigint not null
);
create table staff_changes (
	id         bytea    not null primary key,
	account_id bytea    not null references staff_accounts (id),
	at         bigint not null,
	opening    bytea    not null -- of the leaf; its record says who changed what
);
create index staff_changes_account on staff_changes (account_id, at);
