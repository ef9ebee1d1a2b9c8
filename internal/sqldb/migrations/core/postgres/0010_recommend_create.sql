-- +goose Up
create table recommend_versions (
	version      bigint not null primary key,
	model        bytea    not null, -- hash of the file
	recipe       text    not null, -- canonical JSON
	people       bigint not null,
	items        bigint not null,
	interactions bigint not null,
	weights      bigint not null,
	bytes        bigint not null,
	train_ms     bigint not null,
	reason       text    not null,
	trained_at   bigint not null,
	opening      bytea    not null, -- what opens the release's leaf
	serving      bigint not null
);
