-- +goose Up
create table recommend_versions (
	version      integer not null primary key,
	model        blob    not null, -- hash of the file
	recipe       text    not null, -- canonical JSON
	people       integer not null,
	items        integer not null,
	interactions integer not null,
	weights      integer not null,
	bytes        integer not null,
	train_ms     integer not null,
	reason       text    not null,
	trained_at   integer not null,
	opening      blob    not null, -- what opens the release's leaf
	serving      integer not null
) strict;
