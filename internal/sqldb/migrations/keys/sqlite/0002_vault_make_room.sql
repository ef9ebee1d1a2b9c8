-- +goose Up
-- PostgreSQL only; SQLite changes rows in place.
select 1;
