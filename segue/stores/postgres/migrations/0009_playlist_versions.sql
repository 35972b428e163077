-- A playlist's version is the place of its newest record in the log, so that a replay finds the same.
alter table playlists add column version bigint not null default 0, add column public boolean not null default false;
comment on column playlists.version is
    'Sequence number behind the record that made the row: partition_marks.next_offset as that record is stored; 0 before versions';

-- What the API had Kafka store, until the processors have it here: who changes a playlist next waits for that.
create table playlist_writes (
    playlist_id text primary key,
    partition   integer not null,
    version     bigint not null,
    log_base    bigint not null
);
comment on column playlist_writes.log_base is 'partition_marks.log_base when it was written: a replaced log never brings it';
