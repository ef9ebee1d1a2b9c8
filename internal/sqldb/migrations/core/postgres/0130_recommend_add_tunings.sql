-- +goose Up
-- Placement: reference. Recipes that were tried on the shop's own data, and how each did on
-- the part that none had learned from. Sums over many people; nobody is in them.
create table recommend_tunings (
	id       bytea not null primary key,
	asked_by text not null,
	asked_at bigint not null,
	state    text not null check (state in ('waiting', 'running', 'done', 'refused')),
	done     bigint not null, -- recipes tried
	total    bigint not null, -- of so many at most; 0 before the first
	ended_at bigint not null, -- 0 before
	why      text not null, -- of a refusal
	report   text not null -- "" before it is done
);
create index recommend_tunings_asked on recommend_tunings (asked_at);

-- Placement: reference. Which recipe somebody chose for the trainings to come; the last
-- counts. Each is a leaf.
create table recommend_recipes (
	number    bigint not null primary key,
	tuning_id bytea references recommend_tunings (id), -- null for the recipe that ships
	recipe    text not null,
	staff     text not null,
	reason    text not null,
	at        bigint not null,
	opening   bytea not null -- what opens its leaf
);
