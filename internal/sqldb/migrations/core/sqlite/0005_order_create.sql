-- +goose Up
-- Placement: by subject.
create table order_orders (
	id           blob    not null primary key,
	subject_id   blob,             -- null: a guest's order
	number_index blob    not null unique, -- keyed blind index of the order's number
	placed_at    integer not null, -- UTC microseconds
	body         blob    not null  -- the order, sealed under its owner's key
) strict;
create index order_orders_subject on order_orders (subject_id, placed_at, id);
