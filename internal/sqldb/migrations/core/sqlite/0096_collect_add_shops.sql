-- +goose Up
-- Placement: reference. The shops whose customers, orders and reviews have numbers of their own
-- here: what stands before each is the shop's name, but for a bare one.
create table collect_shops (
	name text    not null primary key, -- such as shopify/main
	bare integer not null,             -- 1: its numbers came before numbers had a shop, and stay as they are
	at   integer not null
) strict;
insert into collect_shops (name, bare, at)
	select feed, 1, started_at from collect_imports where feed <> '' order by started_at, feed limit 1;
