-- +goose Up
-- Who may get data, under which agreements, and what was sent.
create table disclose_recipients (
	id          blob not null primary key,
	name        text not null unique,
	kind        text not null,
	contact     text not null, -- of the firm
	countries   text not null, -- with blanks between
	transport   text not null,
	endpoint    text not null,
	sealing_key text not null, -- public
	secret      blob not null, -- sealed by the installation: the webhook's key
	status      text not null,
	why         text not null,
	generation  integer not null, -- of its pseudonyms
	created_at  integer not null,
	changed_at  integer not null
) strict;
create table disclose_agreements (
	id           blob not null primary key,
	recipient_id blob not null,
	version      integer not null,
	state        text not null, -- waiting, in-force, superseded, rejected, ended
	body         text not null, -- the document as it was given
	loosens      text not null, -- one line each
	submitted_by text not null,
	submitted_at integer not null,
	unique (recipient_id, version)
) strict;
-- What staff did about recipients and agreements, each a leaf.
create table disclose_acts (
	id           blob not null primary key,
	recipient_id blob not null,
	agreement_id blob,
	act          text not null,
	staff        text not null,
	reason       text not null,
	at           integer not null,
	opening      blob not null
) strict;
create index disclose_acts_recipient on disclose_acts (recipient_id, at);
create table disclose_messages (
	id            blob not null primary key,
	disclosure_id blob not null unique,
	recipient_id  blob not null,
	agreement_id  blob,
	kind          text not null, -- data, letter, erase
	purpose       text not null,
	brand         text not null,
	fields        text not null, -- with blanks between
	categories    text not null, -- with blanks between
	media_type    text not null,
	people        integer not null, -- how many it was made about
	state         text not null,
	why           text not null,
	status        integer not null,
	tries         integer not null,
	bytes         integer not null,
	created_at    integer not null,
	first_at      integer not null, -- of the first try; 0: none
	next_at       integer not null,
	lease_until   integer not null,
	fence         integer not null,
	sent_at       integer not null,
	ack_within    integer not null, -- microseconds; 0: no confirmation is expected
	ack_due       integer not null,
	acked_at      integer not null,
	body          blob, -- sealed by the installation: what is about nobody; destroyed when it was sent
	opening       blob  -- of the leaf of a message about nobody
) strict;
create index disclose_messages_due on disclose_messages (state, next_at);
create index disclose_messages_recipient on disclose_messages (recipient_id, created_at);
create index disclose_messages_created on disclose_messages (created_at);
-- The pseudonym that a recipient has of a person is not there: it is made by a key.
create table disclose_people (
	message_id blob not null,
	place      integer not null,
	subject_id blob not null,
	at         integer not null,
	generation integer not null, -- of the recipient's pseudonyms; 0: it got none
	lookup     blob, -- keyed hash of recipient and pseudonym, to find the person by it
	state      text not null, -- going, sent, maybe-sent, not-sent
	opening    blob not null, -- sealed: the record and its ledger opening
	part       blob,          -- sealed: what the message holds about the person, until it was sent
	primary key (message_id, place)
) strict;
create index disclose_people_subject on disclose_people (subject_id, at);
create index disclose_people_lookup on disclose_people (lookup);
create index disclose_people_at on disclose_people (at);
create table disclose_tries (
	message_id blob not null,
	n          integer not null,
	at         integer not null,
	ended_at   integer not null, -- 0: under way, or the process died
	result     text not null,
	why        text not null,
	status     integer not null,
	bytes      integer not null,
	primary key (message_id, n)
) strict;
create table disclose_feeds (
	recipient_id blob not null,
	feed         text not null,
	position     text not null, -- of the source; nothing about a person
	ran_at       integer not null,
	primary key (recipient_id, feed)
) strict;
