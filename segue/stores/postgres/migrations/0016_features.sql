-- Audio features may come from elsewhere than their track.
alter table tracks add column features_source text;
-- What services of audio features have answered; features are null for a track that they do not know.
create table feature_answers (
    provider    text not null,
    track_id    text not null,
    features    real[],
    answered_at timestamptz not null default now(),
    primary key (provider, track_id)
);
create index feature_answers_by_age on feature_answers (answered_at);
-- By hash, since a key may be longer than an ordered index takes.
create index tracks_without_features on tracks using hash (song_key) where features is null;
