-- +goose Up
-- Placement: by subject.
create table order_orders (
	id           bytea    not null primary key,
	subject_id   bytea,             -- null: a guest's order
	number_index bytea    not null unique, -- keyed blind index of the order's number
	placed_at    bigint not null, -- UTC microseconds
	body         bytea    not null  -- the order, sealed under its owner's key
);
create index order_orders_subject on order_orders (subject_id, placed_at, id);
