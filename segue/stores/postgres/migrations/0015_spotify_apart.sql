-- What Spotify's API brought is found without reading everything else: it is left out of training, and goes when it is old.
create index listens_of_spotify on listens (user_no, track_no) where source = 'spotify';
create index tracks_of_spotify on tracks (fetched_at) where source = 'spotify';
create index playlists_of_spotify on playlists (changed_at) where source = 'spotify';
