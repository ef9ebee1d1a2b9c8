-- +goose Up
-- Which letters people are owed about their requests, and what became of each. No address
-- and no word of a letter is here: it is written when it is sent, and lies sealed in the
-- outbox until the mail server has it. The row stays without a person, as the step does.
create table letters_letters (
	case_id  bytea not null,
	n        bigint not null, -- the step that owes it
	kind     text not null,
	state    text not null,    -- owed, queued, sent, unsent, spared
	why      text not null,
	messages text not null,    -- tokens of the outbox, one for each address
	at       bigint not null, -- since when it is owed
	next_at  bigint not null, -- when it is looked at next
	sent_at  bigint not null, -- 0 until it is
	primary key (case_id, n)
);
create index letters_letters_due on letters_letters (next_at) where state in ('owed', 'queued');
