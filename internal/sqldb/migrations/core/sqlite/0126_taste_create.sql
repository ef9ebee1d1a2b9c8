-- +goose Up
-- What people say about the lists that are made for them. An event is never changed; all
-- of a person's go with them.
create table taste_events (
	subject_id blob    not null,
	seq        integer not null,
	body       blob    not null, -- sealed: the event and its ledger opening
	at         integer not null,
	primary key (subject_id, seq)
) strict;
create table taste_state (
	subject_id blob    not null primary key,
	seq        integer not null, -- the event that it follows from last
	body       blob    not null  -- sealed: what stands
) strict;
-- +goose StatementBegin
create trigger taste_events_are_never_changed before update on taste_events
begin select raise(abort, 'choices are append-only'); end;
-- +goose StatementEnd
