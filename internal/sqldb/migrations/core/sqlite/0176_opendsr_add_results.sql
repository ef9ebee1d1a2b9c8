-- +goose Up
-- Which controllers may ask for copies of what is held, and where a copy that was asked for is
-- fetched, for a while.
alter table opendsr_controllers add column copies integer not null default 0; -- 1: it may
alter table opendsr_requests add column results text not null default '';    -- the last part of the address; '' for none
alter table opendsr_requests add column results_until integer not null default 0; -- the first instant that is too late
alter table opendsr_requests add column results_count integer not null default -1; -- of data; -1: not known
