-- +goose Up
-- A rotation changes every row. With room in its page a row stays there, and the index
-- is not written.
alter table vault_keys set (fillfactor = 45);
