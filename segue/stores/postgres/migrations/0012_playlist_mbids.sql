-- Players know a playlist by a UUID: `playlist_mbid` in playlists.py is the same in Python.
alter table playlists add column mbid uuid generated always as
    (overlay(overlay(md5('segue-playlist:' || playlist_id) placing '3' from 13) placing 'a' from 17)::uuid) stored;
create index playlists_mbid on playlists (mbid);
