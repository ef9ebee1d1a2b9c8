-- +goose Up
-- The current state is rebuildable from the events; what stands is kept as it is,
-- as choices for everything.
create table consent_standings (
	subject_id bytea  not null,
	purpose    text   not null,
	scope      text   not null, -- such as "brand=b1;signal=returns"; empty: everything
	state      text   not null,
	seq        bigint not null,
	at         bigint not null,
	expires_at bigint not null,
	primary key (subject_id, purpose, scope)
);
insert into consent_standings (subject_id, purpose, scope, state, seq, at, expires_at)
	select subject_id, purpose, '', state, seq, at, expires_at from consent_state;
drop table consent_state;
alter table consent_standings rename to consent_state;
alter index consent_standings_pkey rename to consent_state_pkey;
create index consent_state_purpose on consent_state (purpose, subject_id);
