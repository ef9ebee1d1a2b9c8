-- +goose Up
-- A decision that data which was wrong went into counts no more: because of which request,
-- and which decision was made in its place.
alter table decision_decisions add column cause text not null default ''; -- the request's token
alter table decision_decisions add column again bytea; -- the decision that was made anew; null for none
