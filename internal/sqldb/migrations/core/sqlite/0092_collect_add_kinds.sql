-- +goose Up
-- What the rows of an import are, and what kinds other than orders count (JSON).
alter table collect_imports add column kind text not null default 'orders';
alter table collect_imports add column more text not null default '{}';

-- Placement: reference. How much of a product is where; nothing here is about a person.
create table catalog_stock (
	item_id text    not null,
	place   text    not null, -- a shop or a warehouse; empty where there is only one
	units   integer not null,
	at      integer not null, -- UTC microseconds: when they were counted
	primary key (item_id, place)
) strict, without rowid;

-- Placement: by subject. What imports say of a customer and purposes need: a name, a region.
create table collect_facts (
	subject_id blob not null,
	fact       text    not null, -- name or region
	body       blob not null, -- sealed
	at         integer not null, -- UTC microseconds: when it was last brought
	primary key (subject_id, fact)
) strict, without rowid;
create index collect_facts_expiry on collect_facts (fact, at);

-- Placement: by subject. What somebody wrote of a product.
create table collect_reviews (
	id         blob not null primary key,
	subject_id blob, -- empty for a review of nobody who is known
	lookup     blob not null unique, -- keyed hash of what makes it one: its number, or who, what and when
	item_id    text    not null,
	rating     integer not null, -- hundredths of a star
	at         integer not null, -- UTC microseconds
	body       blob not null -- sealed: title and text, without what leads to a person
) strict;
create index collect_reviews_subject on collect_reviews (subject_id, at);
create index collect_reviews_item on collect_reviews (item_id, at);
