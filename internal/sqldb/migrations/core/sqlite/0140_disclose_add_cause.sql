-- +goose Up
-- Because of which request a message was queued: that of an erasure whose certificate says
-- what became of the notice.
alter table disclose_messages add column cause blob;
create index disclose_messages_cause on disclose_messages (cause) where cause is not null;
