-- +goose Up
create table consent_notices (
	hash       blob    not null primary key, -- SHA-256 of the text
	lang       text    not null,
	version    text    not null,
	body       text    not null,
	created_at integer not null
) strict;
create table consent_events (
	subject_id blob    not null,
	seq        integer not null,
	body       blob    not null, -- sealed: the event and its ledger opening
	at         integer not null,
	primary key (subject_id, seq)
) strict;
create table consent_state (
	subject_id blob    not null,
	purpose    text    not null,
	state      text    not null,
	seq        integer not null,
	at         integer not null,
	expires_at integer not null,
	primary key (subject_id, purpose)
) strict;
-- +goose StatementBegin
create trigger consent_events_are_never_changed before update on consent_events
begin select raise(abort, 'consent events are append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger consent_events_are_never_deleted before delete on consent_events
begin select raise(abort, 'consent events are append-only'); end;
-- +goose StatementEnd
