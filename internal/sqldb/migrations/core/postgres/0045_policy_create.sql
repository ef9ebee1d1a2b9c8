-- +goose Up
create table policy_packs ( -- every pack that was in force here, as it was written
	hash       bytea   not null primary key, -- SHA-256 of its canonical JSON
	pack_id    text    not null,
	version    text    not null,
	body       bytea   not null,
	first_seen bigint  not null
);
create index policy_packs_pack_id on policy_packs (pack_id);

create table policy_layers ( -- each change of the law that applies
	seq        bigint  not null primary key,
	day        text    not null, -- of which the packs were asked
	packs_hash bytea   not null, -- of all packs
	law        bytea   not null, -- of what they say
	applied    bytea   not null, -- of what applies, with what waits
	packs      text    not null, -- JSON: the hashes of the packs, and what is adopted
	standing   integer not null check (standing in (0, 1)), -- 1: still laid below the newer ones
	waiting    bigint  not null, -- changes that waited to be accepted
	at         bigint  not null,
	opening    bytea   not null
);

create table policy_acceptances ( -- loosenings that somebody let through
	id         bytea   not null primary key,
	layer      bigint  not null, -- the newest then: an acceptance counts until all layers up to it are gone
	change_id  text    not null,
	change     text    not null, -- JSON: dimension, key, from, to, and by whose word
	places     text    not null, -- with blanks between
	reason     text    not null,
	staff      text    not null,
	at         bigint  not null,
	opening    bytea   not null
);
create unique index policy_acceptances_change on policy_acceptances (layer, change_id);

create table policy_reviews ( -- who held a pack against its sources
	id         bytea   not null primary key,
	pack_id    text    not null,
	version    text    not null,
	hash       bytea   not null, -- of the whole pack
	reviewer   text    not null,
	reviewed_on text    not null,
	note       text    not null,
	staff      text    not null, -- who wrote it down
	at         bigint  not null,
	opening    bytea   not null
);
create index policy_reviews_pack on policy_reviews (pack_id, at);
