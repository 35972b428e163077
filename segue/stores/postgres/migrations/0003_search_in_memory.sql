-- The API searches its own memory (api/search), which forgives typing errors and needs no Postgres.
drop index tracks_words;
alter table tracks drop column words;
