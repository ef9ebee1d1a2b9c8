-- +goose Up
-- Placement: reference. What was released for browsers to rank from besides the model of the
-- catalogue: noised files, which share one budget for good, and acceptances of files without noise.
create table recommend_device_files (
	number    integer not null primary key,
	kind      integer not null, -- 2: a noised file; 3: files without noise were accepted
	actor     text    not null, -- of the staff
	reason    text    not null,
	made_at   integer not null,
	until     integer not null,
	ended_at  integer not null, -- 0: not ended before its time
	ended_by  text    not null,
	rho       integer not null, -- what it spent, in millionths
	miss      integer not null, -- in units of 1e-12
	statement text    not null,
	sha256    text    not null, -- of the file; empty for an acceptance
	body      blob    not null, -- the signed file, while it is valid
	opening   blob    not null,
	closing   blob    not null  -- of the leaf of its end; empty before
) strict;
