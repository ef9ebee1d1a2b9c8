-- +goose Up
-- How many choices were made on a day, and where. It holds nobody, and stays when
-- somebody is erased.
create table consent_counts (
	day            bigint not null, -- days since 1970-01-01, UTC
	purpose        text   not null,
	state          text   not null,
	component      text   not null,
	notice_version text   not null,
	n              bigint not null,
	primary key (day, purpose, state, component, notice_version)
);
