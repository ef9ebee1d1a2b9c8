-- +goose Up
create table vault_placeholder (id bigint not null);
