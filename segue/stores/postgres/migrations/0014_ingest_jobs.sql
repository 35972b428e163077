-- Imports, and how far each has come. Not part of the state that the log rebuilds.
create table ingest_jobs (
    job_id      text primary key,
    source      text not null,
    label       text not null,
    -- Whose listens these are: gone with the user.
    listener    text,
    fingerprint text not null,
    command     text not null,
    position    jsonb,
    status      text not null check (status in ('running', 'stopped', 'waiting', 'failed', 'done')),
    counts      jsonb not null,
    attempts    integer not null default 1,
    not_before  timestamptz,
    reason      text,
    started_at  timestamptz not null default now(),
    updated_at  timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create index ingest_jobs_updated_at on ingest_jobs (updated_at);
create index ingest_jobs_listener on ingest_jobs (listener) where listener is not null;
