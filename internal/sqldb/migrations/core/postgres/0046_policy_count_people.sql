-- +goose Up
create table policy_people ( -- how many people share what a law asks about; counted anew each day
	places     text    not null, -- with + between; empty: unknown
	age        bigint  not null, -- in years, as far as it is known; -1: unknown
	permits    text    not null, -- purposes, with blanks between
	people     bigint  not null,
	at         bigint  not null,
	primary key (places, age, permits)
);
