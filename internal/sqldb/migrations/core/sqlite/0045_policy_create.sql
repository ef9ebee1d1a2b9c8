-- +goose Up
create table policy_packs ( -- every pack that was in force here, as it was written
	hash       blob    not null primary key, -- SHA-256 of its canonical JSON
	pack_id    text    not null,
	version    text    not null,
	body       blob    not null,
	first_seen integer not null
) strict;
create index policy_packs_pack_id on policy_packs (pack_id);

create table policy_layers ( -- each change of the law that applies
	seq        integer not null primary key,
	day        text    not null, -- of which the packs were asked
	packs_hash blob    not null, -- of all packs
	law        blob    not null, -- of what they say
	applied    blob    not null, -- of what applies, with what waits
	packs      text    not null, -- JSON: the hashes of the packs, and what is adopted
	standing   integer not null check (standing in (0, 1)), -- 1: still laid below the newer ones
	waiting    integer not null, -- changes that waited to be accepted
	at         integer not null,
	opening    blob    not null
) strict;

create table policy_acceptances ( -- loosenings that somebody let through
	id        blob    not null primary key,
	layer     integer not null, -- the newest then: an acceptance counts until all layers up to it are gone
	change_id text    not null,
	change    text    not null, -- JSON: dimension, key, from, to, and by whose word
	places    text    not null, -- with blanks between
	reason    text    not null,
	staff     text    not null,
	at        integer not null,
	opening   blob    not null
) strict;
create unique index policy_acceptances_change on policy_acceptances (layer, change_id);

create table policy_reviews ( -- who held a pack against its sources
	id          blob    not null primary key,
	pack_id     text    not null,
	version     text    not null,
	hash        blob    not null, -- of the whole pack
	reviewer    text    not null,
	reviewed_on text    not null,
	note        text    not null,
	staff       text    not null, -- who wrote it down
	at          integer not null,
	opening     blob    not null
) strict;
create index policy_reviews_pack on policy_reviews (pack_id, at);
