-- +goose Up
-- Placement: reference. Experiments with lists. What was fixed at the start does not change.
create table recommend_trials (
	id         blob    not null primary key,
	design     text    not null, -- JSON
	started_at integer not null, -- UTC microseconds
	ended_at   integer not null, -- 0: it runs
	changes    integer not null, -- grows when somebody is taken out of what was counted
	counted_at integer not null, -- 0: to be counted afresh
	counted    text    not null  -- JSON: sums of groups; nobody is in them
) strict;
-- Placement: reference. One experiment at a time at a placement.
create table recommend_trial_places (
	placement text not null primary key,
	trial_id  blob not null
) strict;
-- Placement: reference. What was done about experiments, each a leaf.
create table recommend_trial_acts (
	id       blob    not null primary key,
	trial_id blob    not null,
	act      text    not null, -- start, stop, end
	staff    text    not null, -- "" for the program itself
	reason   text    not null,
	at       integer not null,
	opening  blob    not null
) strict;
create index recommend_trial_acts_trial on recommend_trial_acts (trial_id, at);
-- Placement: by subject. Who is in which group, and the sums that an interval needs.
create table recommend_trial_people (
	subject_id blob    not null,
	trial_id   blob    not null,
	variant    integer not null,
	at         integer not null, -- of their first list
	shown      integer not null,
	clicked    integer not null,
	added      integer not null,
	closed     integer not null, -- 1: their days are over, and what follows is known
	orders     integer not null,
	revenue    integer not null, -- minor units, at most the cap
	primary key (subject_id, trial_id)
) strict;
create index recommend_trial_people_trial on recommend_trial_people (trial_id, subject_id);
-- Placement: by subject. What was reported of a list counts once.
create table recommend_trial_marks (
	subject_id blob    not null,
	mark       blob    not null, -- keyed hash of list, item and what happened
	at         integer not null,
	primary key (subject_id, mark)
) strict;
create index recommend_trial_marks_at on recommend_trial_marks (at);
-- Placement: single. What came of lists by day, placement and version of the model. Nobody
-- is in it.
create table recommend_days (
	day       integer not null, -- days since 1970
	placement text    not null,
	model     integer not null, -- 0: the popular list
	shown     integer not null,
	clicked   integer not null,
	added     integer not null,
	bought    integer not null,
	returned  integer not null,
	primary key (day, placement, model)
) strict;
