-- +goose Up
-- Placement: reference. Nothing here is about a person.
create table catalog_products (
	id          text    not null primary key, -- the shop's own number
	name        text    not null, -- the id, where no name is known
	words       text    not null, -- id and name in lower case, for the search
	kind        text    not null check (kind in ('product', 'service')),
	price_minor integer not null, -- 0 where no price is known
	currency    text    not null,
	category    text    not null,
	sold_orders integer not null default 0, -- the sums of catalog_demand
	sold_units  integer not null default 0,
	updated_at  integer not null -- UTC microseconds: when name and price were last seen
) strict;
create index catalog_products_name on catalog_products (name, id);
create index catalog_products_price on catalog_products (price_minor, id);
create index catalog_products_sold on catalog_products (sold_units, id);

-- Counts per item and day, without any identifier.
create table catalog_demand (
	day     integer not null, -- days since 1970-01-01 UTC
	item_id text    not null,
	orders  integer not null,
	units   integer not null,
	primary key (day, item_id)
) strict, without rowid;
create index catalog_demand_item on catalog_demand (item_id, day);
