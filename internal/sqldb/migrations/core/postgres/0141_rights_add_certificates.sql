-- +goose Up
-- What was certified of an erasure, and when. The opening of the leaf holds all that a
-- certificate says; it says nothing about anybody.
create table rights_certificates (
	request_id bytea    not null,
	issue      bigint not null, -- a later one replaces those before
	at         bigint not null,
	settled    bigint not null, -- 1: no later one is expected
	opening    bytea    not null,
	primary key (request_id, issue)
);
