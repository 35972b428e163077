-- What listeners shut out. A track has artist '', an artist (folded name) has track_no 0. Withdrawn blocks stay, so that an older
-- block that arrives late does not return.
create table blocks (
    user_no   integer not null,
    track_no  integer not null,
    artist    text not null,
    -- The artist as the listener wrote it.
    said      text not null,
    -- Micro-seconds of occurred_at times two, plus one for a block; the newest statement is the greatest number.
    statement bigint not null,
    until     timestamptz,
    primary key (user_no, track_no, artist)
);
