-- +goose Up
-- Placement: reference. Devices that several accounts were seen with: they lead to nobody.
create table subject_shared (
	mark bytea not null primary key, -- 16 bytes: a keyed hash of the device
	at   bigint not null -- since when, UTC microseconds
);
