-- +goose Up
create table collect_plans ( -- every version of the tracking plan
	version bigint  not null primary key,
	hash    bytea   not null, -- SHA-256 of the body
	body    text    not null, -- YAML
	author  text    not null, -- of the staff, or "key " and the name of one to the API; "" for the plan that ships
	reason  text    not null,
	loosens bigint  not null, -- how many changes keep more than before
	at      bigint  not null,
	opening bytea   not null
);

create table collect_plan_drafts ( -- changes that are not in force
	id         bytea   not null primary key,
	base       bigint  not null, -- the version that was changed
	body       text    not null,
	author     text    not null,
	note       text    not null, -- why
	state      text    not null check (state in ('open', 'in force', 'discarded')),
	revision   bigint  not null, -- counts up with each edit
	version    bigint  not null, -- that it became; 0: none
	decided_by text    not null,
	created_at bigint  not null,
	changed_at bigint  not null
);
create index collect_plan_drafts_state on collect_plan_drafts (state, changed_at);
