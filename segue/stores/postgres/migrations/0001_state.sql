-- Facts of this state that must not change once rows depend on them: half-life, landmark, buckets.
create table state_facts (
    name  text primary key,
    value text not null
);

create table users (
    user_no       integer generated always as identity primary key,
    user_id       text not null unique,
    display_name  text,
    genres        text[] not null default '{}',
    events        bigint not null default 0,
    last_event_at timestamptz,
    created_at    timestamptz not null default now(),
    -- A deleted user keeps this row only, so that late events of theirs are refused.
    deleted_at    timestamptz,
    -- When a deleted user returned; a replay of the log leaves out what came before.
    returned_at   timestamptz
) with (fillfactor = 70);

-- A track that was played before the catalogue knew it has its id only; name is null until its record arrives.
create table tracks (
    track_no    integer generated always as identity primary key,
    track_id    text not null unique,
    name        text,
    artists     text[] not null default '{}',
    album       text,
    album_id    text,
    released    text,
    year        smallint,
    duration_ms integer,
    explicit    boolean,
    popularity  smallint,
    genres      text[] not null default '{}',
    mood        text,
    song_key    text,
    features    real[],
    source      text,
    fetched_at  timestamptz,
    words       tsvector,
    changed_at  timestamptz not null default clock_timestamp(),
    deleted_at  timestamptz
);
create index tracks_changed_at on tracks (changed_at);
create index tracks_words on tracks using gin (words);

create table playlists (
    playlist_no integer generated always as identity primary key,
    playlist_id text not null unique,
    name        text not null,
    owner_id    text,
    source      text,
    changed_at  timestamptz not null default clock_timestamp()
);

create table playlist_tracks (
    playlist_no integer not null references playlists on delete cascade,
    position    integer not null,
    track_no    integer not null references tracks,
    primary key (playlist_no, position)
);
create index playlist_tracks_track on playlist_tracks (track_no);

-- Every accepted event, once. No foreign keys: ids are resolved in the same transaction, and the check per row
-- would cost as much as the insert.
create table listens (
    event_id        uuid primary key,
    user_no         integer not null,
    track_no        integer not null,
    kafka_offset    bigint not null,
    occurred_at     timestamptz not null,
    -- Forward-decayed contribution to interactions.weight: the matrix can be rebuilt by a sum over this table.
    weight          double precision not null,
    -- Micro-seconds of occurred_at times four, plus stance plus one; the newest statement is the greatest number.
    statement       bigint,
    ms_played       integer,
    kafka_partition smallint not null,
    type            smallint not null,
    position        smallint,
    session_id      text,
    rec_id          uuid,
    source          text
);
-- Small, and enough to find what was written after a given offset.
create index listens_offset on listens using brin (kafka_partition, kafka_offset) with (pages_per_range = 16);

create table interactions (
    user_no   integer not null,
    track_no  integer not null,
    weight    double precision not null,
    plays     integer not null,
    skips     integer not null,
    saves     integer not null,
    -- As in listens; 1 is "never stated anything".
    statement bigint not null,
    last_at   timestamptz not null,
    primary key (user_no, track_no)
) with (fillfactor = 85);

-- High-water marks: the first offset of each partition that is not yet in these tables.
create table partition_marks (
    topic       text not null,
    partition   integer not null,
    next_offset bigint not null,
    primary key (topic, partition)
);

create table models (
    version    text primary key,
    url        text not null,
    manifest   jsonb not null,
    created_at timestamptz not null default now(),
    verdict    text not null check (verdict in ('promoted', 'kept', 'retired'))
);

-- The pointer: one row names the champion; promotion and rollback update it.
create table champion (
    only_row    boolean primary key default true check (only_row),
    version     text not null references models,
    promoted_at timestamptz not null default now()
);

-- In a schema that a replay made: from where it read the log.
create table replayed (
    started_from text not null,
    finished_at  timestamptz not null default now()
);
