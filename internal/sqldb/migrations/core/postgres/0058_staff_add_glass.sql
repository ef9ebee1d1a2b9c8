-- +goose Up
create table staff_glass (
	id          bytea    not null primary key,
	account     text    not null, -- who broke it
	subject_id  bytea    not null, -- for whom
	kind        text    not null,
	at          bigint not null,
	until       bigint not null,
	opening     bytea    not null, -- sealed: of the leaf, with the reason
	reviewed_by text    not null,
	reviewed_at bigint not null,
	fine        bigint not null, -- 1: whoever reviewed it found it right
	review      bytea             -- sealed: of the review's leaf
);
create index staff_glass_account on staff_glass (account, at);
create index staff_glass_subject on staff_glass (subject_id, at);
create table staff_reviews (
	id         bytea    not null primary key,
	account_id bytea    not null references staff_accounts (id),
	at         bigint not null,
	opening    bytea    not null -- of the leaf; its record says who confirmed which roles
);
create index staff_reviews_account on staff_reviews (account_id, at);
