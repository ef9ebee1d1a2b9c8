-- +goose Up
create table session_links (
	hash       blob    not null primary key, -- SHA-256 of the token
	audience   text    not null check (audience in ('staff', 'customer')),
	subject_id blob,
	staff      text    not null,
	created_at integer not null,
	expires_at integer not null,
	used_at    integer
) strict;
create table session_sessions (
	hash       blob    not null primary key, -- SHA-256 of the cookie
	audience   text    not null check (audience in ('staff', 'customer')),
	subject_id blob,
	staff      text    not null,
	created_at integer not null,
	seen_at    integer not null,
	expires_at integer not null
) strict;
create index session_sessions_subject on session_sessions (subject_id);
