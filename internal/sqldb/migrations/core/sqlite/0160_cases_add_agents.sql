-- +goose Up
-- What registered agents signed, beside the case that it became. Sealed by the
-- installation, whether or not anybody is known; which power of attorney it is goes with
-- the person, all of it 60 days after the case is closed.
create table cases_agents (
	case_id    blob not null primary key,
	agent_id   text not null,
	asked      text not null,        -- in the protocol's word
	digest     blob not null unique, -- SHA-256 of what was signed
	reference  blob,                 -- sealed: the agent's own number of the request
	attorney   blob,                 -- sealed: which power of attorney
	calls      integer not null,     -- 1: the agent is to be told when the status changes
	told       text not null,        -- the last status that it was told
	told_steps integer not null,     -- how many steps there were then
	revoked_at integer not null      -- by the agent; 0 for not
) strict;
create index cases_agents_calls on cases_agents (case_id) where calls = 1;
