-- A key is 256 random bits, so its sha256 cannot be turned back; `prefix` is the part of it that may be shown.
create table api_keys (
    prefix     text primary key,
    digest     bytea not null,
    name       text not null,
    scopes     text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
