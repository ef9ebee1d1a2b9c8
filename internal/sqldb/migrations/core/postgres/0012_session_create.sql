-- +goose Up
create table session_links (
	hash       bytea    not null primary key, -- SHA-256 of the token
	audience   text    not null check (audience in ('staff', 'customer')),
	subject_id bytea,
	staff      text    not null,
	created_at bigint not null,
	expires_at bigint not null,
	used_at    bigint
);
create table session_sessions (
	hash       bytea    not null primary key, -- SHA-256 of the cookie
	audience   text    not null check (audience in ('staff', 'customer')),
	subject_id bytea,
	staff      text    not null,
	created_at bigint not null,
	seen_at    bigint not null,
	expires_at bigint not null
);
create index session_sessions_subject on session_sessions (subject_id);
