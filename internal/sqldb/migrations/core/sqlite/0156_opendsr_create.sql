-- +goose Up
-- Who the shop works for and may ask by OpenDSR, what they asked, and how they are told how
-- far it is. Of whom a request is about the case knows; nothing here does.
create table opendsr_controllers (
	id         blob not null primary key,
	name       text not null,
	digest     blob not null unique, -- of the token
	hosts      text not null,        -- to which callbacks may go, with blanks between
	ended      integer not null,
	created_at integer not null
) strict;
create table opendsr_requests (
	controller_id blob not null,
	request_id    text not null,     -- the controller's
	case_id       blob,              -- null: nothing could be looked up
	type          text not null,
	regulation    text not null,
	submitted_at  integer not null,
	received_at   integer not null,
	expected_at   integer not null,
	callbacks     text not null,     -- JSON: addresses
	status        text not null,
	reason        text not null,     -- a word of the program: why it was cancelled
	primary key (controller_id, request_id)
) strict;
create index opendsr_requests_open on opendsr_requests (received_at) where status in ('pending', 'in_progress');
create table opendsr_callbacks (
	id            blob not null primary key,
	controller_id blob not null,
	request_id    text not null,
	url           text not null,
	status        text not null,     -- that is told
	state         text not null,     -- queued, sent or dead
	why           text not null,
	tries         integer not null,
	first_at      integer not null,
	next_at       integer not null,
	lease_until   integer not null
) strict;
create index opendsr_callbacks_next on opendsr_callbacks (next_at) where state = 'queued';
