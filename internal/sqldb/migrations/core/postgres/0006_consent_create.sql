-- +goose Up
create table consent_notices (
	hash       bytea  not null primary key, -- SHA-256 of the text
	lang       text   not null,
	version    text   not null,
	body       text   not null,
	created_at bigint not null
);
create table consent_events (
	subject_id bytea  not null,
	seq        bigint not null,
	body       bytea  not null, -- sealed: the event and its ledger opening
	at         bigint not null,
	primary key (subject_id, seq)
);
create table consent_state (
	subject_id bytea  not null,
	purpose    text   not null,
	state      text   not null,
	seq        bigint not null,
	at         bigint not null,
	expires_at bigint not null,
	primary key (subject_id, purpose)
);
-- Rights can be revoked from a role that is not the owner; the trigger binds all.
-- +goose StatementBegin
create function consent_events_append_only() returns trigger language plpgsql as
$$ begin raise exception 'consent events are append-only'; end $$;
-- +goose StatementEnd
create trigger consent_events_are_never_changed before update or delete or truncate on consent_events
	for each statement execute function consent_events_append_only();
