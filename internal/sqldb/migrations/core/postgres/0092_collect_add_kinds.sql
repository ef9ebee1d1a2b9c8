-- +goose Up
-- What the rows of an import are, and what kinds other than orders count (JSON).
alter table collect_imports add column kind text not null default 'orders';
alter table collect_imports add column more text not null default '{}';

-- Placement: reference. How much of a product is where; nothing here is about a person.
create table catalog_stock (
	item_id text    not null,
	place   text    not null, -- a shop or a warehouse; empty where there is only one
	units   bigint not null,
	at      bigint not null, -- UTC microseconds: when they were counted
	primary key (item_id, place)
);

-- Placement: by subject. What imports say of a customer and purposes need: a name, a region.
create table collect_facts (
	subject_id bytea not null,
	fact       text    not null, -- name or region
	body       bytea not null, -- sealed
	at         bigint not null, -- UTC microseconds: when it was last brought
	primary key (subject_id, fact)
);
create index collect_facts_expiry on collect_facts (fact, at);

-- Placement: by subject. What somebody wrote of a product.
create table collect_reviews (
	id         bytea not null primary key,
	subject_id bytea, -- empty for a review of nobody who is known
	lookup     bytea not null unique, -- keyed hash of what makes it one: its number, or who, what and when
	item_id    text    not null,
	rating     bigint not null, -- hundredths of a star
	at         bigint not null, -- UTC microseconds
	body       bytea not null -- sealed: title and text, without what leads to a person
);
create index collect_reviews_subject on collect_reviews (subject_id, at);
create index collect_reviews_item on collect_reviews (item_id, at);
