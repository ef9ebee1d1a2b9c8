-- +goose Up
-- With which token another firm passed a request on: it stands in what is passed on from
-- here. Sealed by the installation, whether or not anybody is known; it goes with the person.
alter table cases_agents add column chain blob;
