-- +goose Up
-- How often the catalogue was changed, in parts that writers choose by chance, so that two
-- who write at the same time seldom meet. The sum is the revision.
create table catalog_revision (
	part integer not null primary key,
	n    integer not null
) strict;
