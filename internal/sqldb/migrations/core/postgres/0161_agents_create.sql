-- +goose Up
-- Who may ask in other people's place by a signed request. Nothing here is about a person.
create table agents_agents (
	id         text not null primary key,
	name       text not null,
	verify_key bytea not null,    -- Ed25519
	web        text not null,
	assurance  text not null,    -- where it says how it looks at who asks
	callback   text not null,    -- where it is told what became of a request; empty for nowhere
	state      text not null,
	added_at   bigint not null,
	changed_at bigint not null
);
-- Of a token only its digest is here, and of the message that asked for it, which is good once.
create table agents_tokens (
	digest   bytea not null primary key,
	setup    bytea not null unique,
	agent_id text not null,
	at       bigint not null
);
create index agents_tokens_agent on agents_tokens (agent_id, at);
create table agents_acts (
	id       bytea not null primary key,
	agent_id text not null,
	act      text not null,
	staff    text not null,
	at       bigint not null,
	opening  bytea not null
);
create index agents_acts_agent on agents_acts (agent_id, at);
-- What agents are told by themselves: that the status of a request is another. The body is
-- made when it is sent.
create table agents_calls (
	id       bytea not null primary key,
	case_id  bytea not null,
	agent_id text not null,
	status   text not null,
	at       bigint not null,
	state    text not null,    -- queued, sent, overtaken, given_up
	why      text not null,
	tries    bigint not null,
	next_at  bigint not null,
	opening  bytea not null
);
create index agents_calls_next on agents_calls (next_at) where state = 'queued';
create index agents_calls_agent on agents_calls (agent_id, at);
