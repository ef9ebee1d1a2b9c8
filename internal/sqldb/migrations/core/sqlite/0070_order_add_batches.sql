-- +goose Up
-- In which batch an order was recorded, so that what was known at some time can be told
-- from what came later, whenever it was placed. 0: from before batches were counted.
alter table order_orders add column batch integer not null default 0;
-- The number of the last batch. It does not fall when orders are erased.
create table order_batches (
	id   integer not null primary key,
	last integer not null
) strict;
