-- +goose Up
-- What a feed says of a product beyond name, price and category; empty is unknown.
-- Nothing here is about a person.
alter table catalog_products add column brand text not null default '';
alter table catalog_products add column colour text not null default '';
alter table catalog_products add column size text not null default ''; -- of this variant
alter table catalog_products add column gender text not null default '';
alter table catalog_products add column age_group text not null default '';
alter table catalog_products add column material text not null default '';
alter table catalog_products add column season text not null default '';
alter table catalog_products add column item_group text not null default ''; -- what the variants of one product share
alter table catalog_products add column adult text not null default ''; -- yes, no or empty: for grown-ups only
alter table catalog_products add column availability text not null default ''; -- such as in stock, or withdrawn
alter table catalog_products add column since integer not null default 0; -- UTC microseconds: when it was first seen for sale; 0 is unknown
update catalog_products set since = coalesce((select min(d.day) * 86400000000 from catalog_demand d where d.item_id = catalog_products.id and d.day > 0), 0);
