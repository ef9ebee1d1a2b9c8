-- +goose Up
-- Sessions get a name of their own, so that they can be listed and ended one by one.
-- Those of before have none: whoever was signed in signs in again.
drop table session_sessions;
create table session_sessions (
	hash       blob    not null primary key, -- SHA-256 of the cookie
	id         blob    not null unique,
	audience   text    not null check (audience in ('staff', 'customer')),
	subject_id blob,
	staff      text    not null,
	device     text    not null, -- a family of browsers and of systems, such as "Firefox on Linux"
	created_at integer not null,
	seen_at    integer not null,
	raised_at  integer not null, -- when they last proved who they are
	expires_at integer not null
) strict;
create index session_sessions_subject on session_sessions (subject_id);
create index session_sessions_staff on session_sessions (staff);

-- One-time codes that go out by mail.
create table session_codes (
	browser    blob    not null primary key, -- SHA-256 of the cookie of whoever asked
	subject_id blob,                         -- nobody's when no such address is on file
	code       blob    not null,             -- SHA-256 of cookie and code
	tries      integer not null,
	created_at integer not null,
	expires_at integer not null,
	used_at    integer
) strict;
create index session_codes_subject on session_codes (subject_id);

-- How many codes were asked for an address, by a keyed hash of it.
create table session_asks (
	mark   blob    not null,
	hour   integer not null,
	asks   integer not null,
	primary key (mark, hour)
) strict;

-- Signed tokens that were used, until they have expired.
create table session_tokens (
	hash       blob    not null primary key, -- SHA-256 of issuer and token id
	expires_at integer not null
) strict;
