-- +goose Up
-- Who the shop works for and may ask by OpenDSR, what they asked, and how they are told how
-- far it is. Of whom a request is about the case knows; nothing here does.
create table opendsr_controllers (
	id         bytea not null primary key,
	name       text not null,
	digest     bytea not null unique, -- of the token
	hosts      text not null,        -- to which callbacks may go, with blanks between
	ended      bigint not null,
	created_at bigint not null
);
create table opendsr_requests (
	controller_id bytea not null,
	request_id    text not null,     -- the controller's
	case_id       bytea,              -- null: nothing could be looked up
	type          text not null,
	regulation    text not null,
	submitted_at  bigint not null,
	received_at   bigint not null,
	expected_at   bigint not null,
	callbacks     text not null,     -- JSON: addresses
	status        text not null,
	reason        text not null,     -- a word of the program: why it was cancelled
	primary key (controller_id, request_id)
);
create index opendsr_requests_open on opendsr_requests (received_at) where status in ('pending', 'in_progress');
create table opendsr_callbacks (
	id            bytea not null primary key,
	controller_id bytea not null,
	request_id    text not null,
	url           text not null,
	status        text not null,     -- that is told
	state         text not null,     -- queued, sent or dead
	why           text not null,
	tries         bigint not null,
	first_at      bigint not null,
	next_at       bigint not null,
	lease_until   bigint not null
);
create index opendsr_callbacks_next on opendsr_callbacks (next_at) where state = 'queued';
