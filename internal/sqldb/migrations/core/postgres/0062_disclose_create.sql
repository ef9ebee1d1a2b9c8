-- +goose Up
-- Who may get data, under which agreements, and what was sent.
create table disclose_recipients (
	id          bytea not null primary key,
	name        text not null unique,
	kind        text not null,
	contact     text not null, -- of the firm
	countries   text not null, -- with blanks between
	transport   text not null,
	endpoint    text not null,
	sealing_key text not null, -- public
	secret      bytea not null, -- sealed by the installation: the webhook's key
	status      text not null,
	why         text not null,
	generation  bigint not null, -- of its pseudonyms
	created_at  bigint not null,
	changed_at  bigint not null
);
create table disclose_agreements (
	id           bytea not null primary key,
	recipient_id bytea not null,
	version      bigint not null,
	state        text not null, -- waiting, in-force, superseded, rejected, ended
	body         text not null, -- the document as it was given
	loosens      text not null, -- one line each
	submitted_by text not null,
	submitted_at bigint not null,
	unique (recipient_id, version)
);
-- What staff did about recipients and agreements, each a leaf.
create table disclose_acts (
	id           bytea not null primary key,
	recipient_id bytea not null,
	agreement_id bytea,
	act          text not null,
	staff        text not null,
	reason       text not null,
	at           bigint not null,
	opening      bytea not null
);
create index disclose_acts_recipient on disclose_acts (recipient_id, at);
create table disclose_messages (
	id            bytea not null primary key,
	disclosure_id bytea not null unique,
	recipient_id  bytea not null,
	agreement_id  bytea,
	kind          text not null, -- data, letter, erase
	purpose       text not null,
	brand         text not null,
	fields        text not null, -- with blanks between
	categories    text not null, -- with blanks between
	media_type    text not null,
	people        bigint not null, -- how many it was made about
	state         text not null,
	why           text not null,
	status        bigint not null,
	tries         bigint not null,
	bytes         bigint not null,
	created_at    bigint not null,
	first_at      bigint not null, -- of the first try; 0: none
	next_at       bigint not null,
	lease_until   bigint not null,
	fence         bigint not null,
	sent_at       bigint not null,
	ack_within    bigint not null, -- microseconds; 0: no confirmation is expected
	ack_due       bigint not null,
	acked_at      bigint not null,
	body          bytea, -- sealed by the installation: what is about nobody; destroyed when it was sent
	opening       bytea  -- of the leaf of a message about nobody
);
create index disclose_messages_due on disclose_messages (state, next_at);
create index disclose_messages_recipient on disclose_messages (recipient_id, created_at);
create index disclose_messages_created on disclose_messages (created_at);
-- The pseudonym that a recipient has of a person is not there: it is made by a key.
create table disclose_people (
	message_id bytea not null,
	place      bigint not null,
	subject_id bytea not null,
	at         bigint not null,
	generation bigint not null, -- of the recipient's pseudonyms; 0: it got none
	lookup     bytea, -- keyed hash of recipient and pseudonym, to find the person by it
	state      text not null, -- going, sent, maybe-sent, not-sent
	opening    bytea not null, -- sealed: the record and its ledger opening
	part       bytea,          -- sealed: what the message holds about the person, until it was sent
	primary key (message_id, place)
);
create index disclose_people_subject on disclose_people (subject_id, at);
create index disclose_people_lookup on disclose_people (lookup);
create index disclose_people_at on disclose_people (at);
create table disclose_tries (
	message_id bytea not null,
	n          bigint not null,
	at         bigint not null,
	ended_at   bigint not null, -- 0: under way, or the process died
	result     text not null,
	why        text not null,
	status     bigint not null,
	bytes      bigint not null,
	primary key (message_id, n)
);
create table disclose_feeds (
	recipient_id bytea not null,
	feed         text not null,
	position     text not null, -- of the source; nothing about a person
	ran_at       bigint not null,
	primary key (recipient_id, feed)
);
