-- Receipts of users' deletions, which outlive what they are about: `digest` is the sha256 of this state's salt and the user's id.
create table deletions (
    receipt_id   uuid primary key,
    digest       bytea not null,
    requested_at timestamptz not null default now(),
    -- What was there, counted, and what stays for a while; nothing of either says whose it was.
    found        jsonb not null,
    remains      jsonb not null,
    done_at      timestamptz
);
-- Who asks again while a deletion is under way gets the same receipt.
create unique index deletions_under_way on deletions (digest) where done_at is null;
insert into state_facts values ('deletion_salt', gen_random_uuid()::text);
