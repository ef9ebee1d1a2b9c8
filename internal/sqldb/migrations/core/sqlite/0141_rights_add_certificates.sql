-- +goose Up
-- What was certified of an erasure, and when. The opening of the leaf holds all that a
-- certificate says; it says nothing about anybody.
create table rights_certificates (
	request_id blob    not null,
	issue      integer not null, -- a later one replaces those before
	at         integer not null,
	settled    integer not null, -- 1: no later one is expected
	opening    blob    not null,
	primary key (request_id, issue)
) strict;
