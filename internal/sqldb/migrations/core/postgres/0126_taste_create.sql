-- +goose Up
-- What people say about the lists that are made for them. An event is never changed; all
-- of a person's go with them.
create table taste_events (
	subject_id bytea  not null,
	seq        bigint not null,
	body       bytea  not null, -- sealed: the event and its ledger opening
	at         bigint not null,
	primary key (subject_id, seq)
);
create table taste_state (
	subject_id bytea  not null primary key,
	seq        bigint not null, -- the event that it follows from last
	body       bytea  not null  -- sealed: what stands
);
-- +goose StatementBegin
create function taste_events_unchanged() returns trigger language plpgsql as
$$ begin raise exception 'choices are append-only'; end $$;
-- +goose StatementEnd
create trigger taste_events_are_never_changed before update on taste_events
	for each statement execute function taste_events_unchanged();
