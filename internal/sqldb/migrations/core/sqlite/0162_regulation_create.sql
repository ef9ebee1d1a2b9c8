-- +goose Up
-- What a shop's backend asked to delete or to suppress, for many ids at once: no id is here.
create table regulation_regulations (
	id        blob not null primary key,
	verb      text not null,
	type      text not null,    -- of the ids
	key_name  text not null,    -- of the API key that it came with
	at        integer not null,
	unknown   integer not null, -- ids that led to nobody
	untouched integer not null  -- ids of people for whom the verb is not done
) strict;
create index regulation_regulations_at on regulation_regulations (at, id);
create table regulation_cases (
	regulation_id blob not null,
	case_id       blob not null,
	primary key (regulation_id, case_id)
) strict;
create index regulation_cases_case on regulation_cases (case_id);
