-- +goose Up
-- Sessions get a name of their own, so that they can be listed and ended one by one.
-- Those of before have none: whoever was signed in signs in again.
drop table session_sessions;
create table session_sessions (
	hash       bytea    not null primary key, -- SHA-256 of the cookie
	id         bytea    not null unique,
	audience   text    not null check (audience in ('staff', 'customer')),
	subject_id bytea,
	staff      text    not null,
	device     text    not null, -- a family of browsers and of systems, such as "Firefox on Linux"
	created_at bigint not null,
	seen_at    bigint not null,
	raised_at  bigint not null, -- when they last proved who they are
	expires_at bigint not null
);
create index session_sessions_subject on session_sessions (subject_id);
create index session_sessions_staff on session_sessions (staff);

-- One-time codes that go out by mail.
create table session_codes (
	browser    bytea    not null primary key, -- SHA-256 of the cookie of whoever asked
	subject_id bytea,                         -- nobody's when no such address is on file
	code       bytea    not null,             -- SHA-256 of cookie and code
	tries      bigint not null,
	created_at bigint not null,
	expires_at bigint not null,
	used_at    bigint
);
create index session_codes_subject on session_codes (subject_id);

-- How many codes were asked for an address, by a keyed hash of it.
create table session_asks (
	mark   bytea    not null,
	hour   bigint not null,
	asks   bigint not null,
	primary key (mark, hour)
);

-- Signed tokens that were used, until they have expired.
create table session_tokens (
	hash       bytea    not null primary key, -- SHA-256 of issuer and token id
	expires_at bigint not null
);
