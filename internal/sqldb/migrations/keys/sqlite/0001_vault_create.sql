-- +goose Up
create table vault_placeholder (id integer not null) strict;
