-- A key of a listener opens that listener's own data and nothing else. Null: a key of a program that speaks for everybody.
alter table api_keys add column user_id text;
create index api_keys_user_id on api_keys (user_id) where user_id is not null;
