-- +goose Up
-- What a yes covers is kept with the notice it was given under, and which notice that
-- was beside the choice, so that a person is asked again only when more is asked for.
alter table consent_notices add column matrix text not null default '';
alter table consent_state add column notice bytea; -- SHA-256; null: not known
-- A choice that is sent twice is one. It goes when the person is erased, or after a day.
create table consent_replays (
	id         bytea not null primary key, -- SHA-256 of the person and the key, or of what was sent
	subject_id bytea not null,
	digest     bytea not null, -- SHA-256 of what was sent
	first_seq  bigint not null,
	events     bigint not null,
	at         bigint not null
);
create index consent_replays_subject on consent_replays (subject_id);
create index consent_replays_at on consent_replays (at);
-- Whether an order came back is told without opening it, so that the returns of
-- whoever refuses their use stay shut. 0: not known, sealed before; 1: a purchase; 2: a return.
alter table order_orders add column direction bigint not null default 0;
