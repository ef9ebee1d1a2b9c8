-- +goose Up
-- What expires is found by its time, whoever's it is.
create index gate_uses_at on gate_uses (at);
create index order_orders_placed_at on order_orders (placed_at);
-- A version that was withdrawn serves no more and has no successor yet.
alter table recommend_versions add column withdrawn_at integer;
alter table recommend_versions add column withdrawal blob; -- what opens the leaf
