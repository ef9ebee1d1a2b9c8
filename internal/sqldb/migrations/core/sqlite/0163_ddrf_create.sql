-- +goose Up
-- Requests to delete that other firms passed on by signed chains. A mark is the SHA-256 of
-- who passed it on and of its number there, so that the same one again is no second case.
create table ddrf_received (
	mark      blob not null primary key,
	digest    blob not null,    -- SHA-256 of the request
	requester text not null,    -- the domain of the firm that passed it on
	first     text not null,    -- the domain of the firm that the person asked
	case_id   blob not null,
	at        integer not null
) strict;
create index ddrf_received_at on ddrf_received (at);
