-- +goose Up
-- Placement: reference. What was released for browsers to rank from besides the model of the
-- catalogue: noised files, which share one budget for good, and acceptances of files without noise.
create table recommend_device_files (
	number    bigint not null primary key,
	kind      bigint not null, -- 2: a noised file; 3: files without noise were accepted
	actor     text    not null, -- of the staff
	reason    text    not null,
	made_at   bigint not null,
	until     bigint not null,
	ended_at  bigint not null, -- 0: not ended before its time
	ended_by  text    not null,
	rho       bigint not null, -- what it spent, in millionths
	miss      bigint not null, -- in units of 1e-12
	statement text    not null,
	sha256    text    not null, -- of the file; empty for an acceptance
	body      bytea    not null, -- the signed file, while it is valid
	opening   bytea    not null,
	closing   bytea    not null  -- of the leaf of its end; empty before
);
