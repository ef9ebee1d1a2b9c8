-- +goose Up
-- Placement: reference. Nothing here is about a person.
-- The collation "C" sorts by bytes, as SQLite does: one page order on both engines.
create table catalog_products (
	id          text collate "C" not null primary key, -- the shop's own number
	name        text collate "C" not null, -- the id, where no name is known
	words       text   not null, -- id and name in lower case, for the search
	kind        text   not null check (kind in ('product', 'service')),
	price_minor bigint not null, -- 0 where no price is known
	currency    text   not null,
	category    text   not null,
	sold_orders bigint not null default 0, -- the sums of catalog_demand
	sold_units  bigint not null default 0,
	updated_at  bigint not null -- UTC microseconds: when name and price were last seen
);
create index catalog_products_name on catalog_products (name, id);
create index catalog_products_price on catalog_products (price_minor, id);
create index catalog_products_sold on catalog_products (sold_units, id);

-- Counts per item and day, without any identifier.
create table catalog_demand (
	day     bigint not null, -- days since 1970-01-01 UTC
	item_id text collate "C" not null,
	orders  bigint not null,
	units   bigint not null,
	primary key (day, item_id)
);
create index catalog_demand_item on catalog_demand (item_id, day);
