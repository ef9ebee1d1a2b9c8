-- +goose Up
-- Frames of which nothing can be read, and since when that is known. They stay in log_frames
-- as they are; whoever follows the log has gone on without them.
create table log_unreadable (
	seq      integer not null primary key,
	found_at integer not null -- UTC microseconds
) strict;
