-- Pages of a listener's history, newest first, without sorting all of it; it serves a user's deletion as the old one did.
create index listens_user_time on listens (user_no, occurred_at);
drop index listens_user;

create index playlists_owner on playlists (owner_id, playlist_no) where owner_id is not null;
