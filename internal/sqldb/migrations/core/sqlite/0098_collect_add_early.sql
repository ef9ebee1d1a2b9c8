-- +goose Up
-- Placement: single. Frames of the log with events that take back an order which was not there
-- yet: nobody is named here, and they are looked at again when the order comes.
create table collect_early (
	seq   integer not null primary key,
	since integer not null -- UTC microseconds
) strict;
