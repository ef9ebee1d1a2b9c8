-- +goose Up
create table staff_glass (
	id          blob    not null primary key,
	account     text    not null, -- who broke it
	subject_id  blob    not null, -- for whom
	kind        text    not null,
	at          integer not null,
	until       integer not null,
	opening     blob    not null, -- sealed: of the leaf, with the reason
	reviewed_by text    not null,
	reviewed_at integer not null,
	fine        integer not null, -- 1: whoever reviewed it found it right
	review      blob             -- sealed: of the review's leaf
) strict;
create index staff_glass_account on staff_glass (account, at);
create index staff_glass_subject on staff_glass (subject_id, at);
create table staff_reviews (
	id         blob    not null primary key,
	account_id blob    not null references staff_accounts (id),
	at         integer not null,
	opening    blob    not null -- of the leaf; its record says who confirmed which roles
) strict;
create index staff_reviews_account on staff_reviews (account_id, at);
