"""Functions that make calls, one for each operation.

Written by segue/client/writer.py from docs/openapi.json (`make docs`); do not edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from segue.client.call import Call, given, path_of, tag_of
from segue.client.generated.shapes import (
    AudioShown,
    Blocks,
    BlocksAnswer,
    CountsAnswer,
    DeletionShown,
    Explore,
    ExportShown,
    FeedbackAnswer,
    GeneratedPlaylist,
    GroupAnswer,
    HealthAnswer,
    HistoryAnswer,
    IndexAnswer,
    KeyMade,
    KeysAnswer,
    KeyShown,
    LettersAnswer,
    ListenerAnswer,
    ModelsAnswer,
    ModelShown,
    NextAnswer,
    PlaylistsAnswer,
    PlaylistShown,
    ProfileShown,
    ReadinessAnswer,
    Seeds,
    SessionTrack,
    SongAnswer,
    StatusAnswer,
    TasteAnswer,
    TokenAnswer,
    TracksAnswer,
    TracksFound,
    TrackShown,
    TrendingAnswer,
    UserShown,
    Variety,
    WantedTracks,
)
from segue.ids import uuid7


def recommend_song(
    track_id: str,
    *,
    n: int | None = None,
    genre: Sequence[str] | None = None,
    exclude_genre: Sequence[str] | None = None,
    mood: Sequence[Literal["happy", "energetic", "calm", "sad"]] | None = None,
    year_min: int | None = None,
    year_max: int | None = None,
    explicit: bool | None = None,
    popularity_min: int | None = None,
    popularity_max: int | None = None,
    energy_min: float | None = None,
    energy_max: float | None = None,
    tempo_min: float | None = None,
    tempo_max: float | None = None,
    exclude: Sequence[str] | None = None,
    adventurousness: float | None = None,
    diversity: float | None = None,
    per_artist: int | None = None,
    per_album: int | None = None,
) -> Call[SongAnswer]:
    """Songs like this one. What is a list may be given several times: any genre or mood of it passes."""
    return Call(
        "GET",
        path_of("/recommend/song/{track_id}", track_id=track_id),
        SongAnswer,
        query={
            "n": n,
            "genre": genre,
            "exclude_genre": exclude_genre,
            "mood": mood,
            "year_min": year_min,
            "year_max": year_max,
            "explicit": explicit,
            "popularity_min": popularity_min,
            "popularity_max": popularity_max,
            "energy_min": energy_min,
            "energy_max": energy_max,
            "tempo_min": tempo_min,
            "tempo_max": tempo_max,
            "exclude": exclude,
            "adventurousness": adventurousness,
            "diversity": diversity,
            "per_artist": per_artist,
            "per_album": per_album,
        },
        repeatable=True,
    )


def similar_tracks(track_id: str, *, n: int | None = None) -> Call[SongAnswer]:
    """Songs like this one; `/recommend/song/{track_id}` takes filters."""
    return Call("GET", path_of("/tracks/{track_id}/similar", track_id=track_id), SongAnswer, query={"n": n}, repeatable=True)


def recommend_user(
    user_id: str,
    *,
    exclude: Sequence[str] | None = None,
    blocks: Blocks | None = None,
    filters: WantedTracks | None = None,
    adventurousness: float | None = None,
    diversity: Variety | None = None,
    n: int | None = None,
    exploration: Explore | None = None,
    heard_days: float | None = None,
    min_event_id: UUID | None = None,
    max_wait_ms: int | None = None,
    require_event: bool | None = None,
    genres: Sequence[str] | None = None,
    artists: Sequence[str] | None = None,
) -> Call[ListenerAnswer]:
    """Tracks for a listener, from the state of this moment. Unknown listeners get what is popular, never an error."""
    return Call(
        "POST",
        "/recommend/user/",
        ListenerAnswer,
        body=given(
            exclude=exclude,
            blocks=blocks,
            filters=filters,
            adventurousness=adventurousness,
            diversity=diversity,
            n=n,
            exploration=exploration,
            heard_days=heard_days,
            min_event_id=min_event_id,
            max_wait_ms=max_wait_ms,
            require_event=require_event,
            user_id=user_id,
            genres=genres,
            artists=artists,
        ),
        repeatable=True,
    )


def recommend_session(
    tracks: Sequence[str | SessionTrack],
    *,
    exclude: Sequence[str] | None = None,
    blocks: Blocks | None = None,
    filters: WantedTracks | None = None,
    adventurousness: float | None = None,
    diversity: Variety | None = None,
    n: int | None = None,
    exploration: Explore | None = None,
) -> Call[NextAnswer]:
    """What to play next in a session without an account. Nothing is stored."""
    return Call(
        "POST",
        "/recommend/session",
        NextAnswer,
        body=given(
            exclude=exclude,
            blocks=blocks,
            filters=filters,
            adventurousness=adventurousness,
            diversity=diversity,
            n=n,
            exploration=exploration,
            tracks=tracks,
        ),
        repeatable=True,
    )


def recommend_playlist(
    *,
    exclude: Sequence[str] | None = None,
    blocks: Blocks | None = None,
    filters: WantedTracks | None = None,
    adventurousness: float | None = None,
    diversity: Variety | None = None,
    n: int | None = None,
    exploration: Explore | None = None,
    tracks: Sequence[str] | None = None,
    title: str | None = None,
) -> Call[NextAnswer]:
    """What else belongs in a playlist, by its tracks and the words of its title."""
    return Call(
        "POST",
        "/recommend/playlist",
        NextAnswer,
        body=given(
            exclude=exclude,
            blocks=blocks,
            filters=filters,
            adventurousness=adventurousness,
            diversity=diversity,
            n=n,
            exploration=exploration,
            tracks=tracks,
            title=title,
        ),
        repeatable=True,
    )


def recommend_group(
    user_ids: Sequence[str],
    *,
    exclude: Sequence[str] | None = None,
    blocks: Blocks | None = None,
    filters: WantedTracks | None = None,
    adventurousness: float | None = None,
    diversity: Variety | None = None,
    n: int | None = None,
    exploration: Explore | None = None,
    heard_days: float | None = None,
    min_event_id: UUID | None = None,
    max_wait_ms: int | None = None,
    require_event: bool | None = None,
) -> Call[GroupAnswer]:
    """What to play to several listeners together: liked on average, and a misery to nobody."""
    return Call(
        "POST",
        "/recommend/group",
        GroupAnswer,
        body=given(
            exclude=exclude,
            blocks=blocks,
            filters=filters,
            adventurousness=adventurousness,
            diversity=diversity,
            n=n,
            exploration=exploration,
            heard_days=heard_days,
            min_event_id=min_event_id,
            max_wait_ms=max_wait_ms,
            require_event=require_event,
            user_ids=user_ids,
        ),
        repeatable=True,
    )


def get_trending(
    *,
    window: Literal["1h", "24h", "7d", "30d"] | None = None,
    order: Literal["top", "rising"] | None = None,
    genre: Sequence[str] | None = None,
    mood: Sequence[Literal["happy", "energetic", "calm", "sad"]] | None = None,
    limit: int | None = None,
    user_id: str | None = None,
) -> Call[TrendingAnswer]:
    """What is heard now. A listener counts once for each track and window; the newest plays count most.

    Any of the given genres and moods passes. The tag changes with the chart: send it as If-None-Match."""
    return Call(
        "GET",
        "/trending",
        TrendingAnswer,
        query={"window": window, "order": order, "genre": genre, "mood": mood, "limit": limit, "user_id": user_id},
        repeatable=True,
    )


def give_feedback(
    user_id: str,
    action: Literal["like", "unlike", "dislike", "undislike", "block", "unblock", "not_now", "block_artist", "unblock_artist"],
    *,
    track_id: str | None = None,
    artist: str | None = None,
    days: float | None = None,
    rec_id: UUID | None = None,
    position: int | None = None,
    event_id: UUID | None = None,
) -> Call[FeedbackAnswer]:
    """Say what a listener thinks of a track or an artist; 202 means that Kafka has stored it. The newest word holds.

    `block`: never recommend the track, in no version; `block_artist`: nothing of the artist, as a guest neither; `not_now`:
    not for some days. None of these is a matter of taste: what is like it goes on being recommended. `dislike` is."""
    # Chosen here, so that sending it again counts once.
    event_id = event_id or uuid7()
    return Call(
        "POST",
        path_of("/users/{user_id}/feedback", user_id=user_id),
        FeedbackAnswer,
        body=given(
            action=action, track_id=track_id, artist=artist, days=days, rec_id=rec_id, position=position, event_id=event_id
        ),
        repeatable=True,
    )


def get_blocks(
    user_id: str, *, min_event_id: UUID | None = None, max_wait_ms: int | None = None, require_event: bool | None = None
) -> Call[BlocksAnswer]:
    """What the listener shut out, from the live row; blocks that have ended are left out."""
    return Call(
        "GET",
        path_of("/users/{user_id}/blocks", user_id=user_id),
        BlocksAnswer,
        query={"min_event_id": min_event_id, "max_wait_ms": max_wait_ms, "require_event": require_event},
        repeatable=True,
    )


def search_tracks(q: str, *, limit: int | None = None, cursor: str | None = None) -> Call[TracksFound]:
    """Tracks whose title, artists or album hold every word of `q`, the last one as a beginning; best first.

    Where few do, words with typing errors match too (`forgiven`): one from four letters on, two from eight."""
    return Call("GET", "/tracks/search", TracksFound, query={"q": q, "limit": limit, "cursor": cursor}, repeatable=True)


def get_tracks(id: Sequence[str]) -> Call[TracksAnswer]:
    """Several tracks at once, in the order of their ids; those that the catalogue lacks are named in `missing`."""
    return Call("GET", "/tracks", TracksAnswer, query={"id": id}, repeatable=True)


def get_track(track_id: str) -> Call[TrackShown]:
    """One track of the catalogue."""
    return Call("GET", path_of("/tracks/{track_id}", track_id=track_id), TrackShown, repeatable=True)


def get_audio(track_id: str) -> Call[AudioShown]:
    """How a track sounds, and where that stands in the catalogue: `ranks` of 0.9 is more than nine tracks in ten."""
    return Call("GET", path_of("/tracks/{track_id}/audio", track_id=track_id), AudioShown, repeatable=True)


def get_genres(*, limit: int | None = None) -> Call[CountsAnswer]:
    """The genres of the catalogue, in small letters, most tracks first; a track may have several."""
    return Call("GET", "/genres", CountsAnswer, query={"limit": limit}, repeatable=True)


def get_moods() -> Call[CountsAnswer]:
    """The moods of the catalogue, most tracks first; a track of which the sound is not known has none."""
    return Call("GET", "/moods", CountsAnswer, repeatable=True)


def get_user(
    user_id: str,
    *,
    top: int | None = None,
    min_event_id: UUID | None = None,
    max_wait_ms: int | None = None,
    require_event: bool | None = None,
) -> Call[UserShown]:
    """The profile, and the `top` tracks by current preference. Tracks that the catalogue does not name are left out."""
    return Call(
        "GET",
        path_of("/users/{user_id}", user_id=user_id),
        UserShown,
        query={"top": top, "min_event_id": min_event_id, "max_wait_ms": max_wait_ms, "require_event": require_event},
        repeatable=True,
    )


def put_profile(user_id: str, *, display_name: str | None = None, genres: Sequence[str] | None = None) -> Call[ProfileShown]:
    """Make this the whole profile. Its genres lead the answers of a listener of whom no event is known.

    200: every reader sees it. 202: Kafka has stored it for good, and it is not seen yet (`"applied": false`). Somebody who
    was deleted comes back by it, with nothing of before: `returned_at` says when."""
    return Call(
        "PUT",
        path_of("/users/{user_id}", user_id=user_id),
        ProfileShown,
        body=given(display_name=display_name, genres=genres),
        repeatable=True,
    )


def delete_user(user_id: str) -> Call[DeletionShown]:
    """Delete everything about a user. 202: it is in Kafka for good, and the receipt at `Location` says when it is done.

    Send it again whenever the outcome is unclear. Later events of the user are refused; keys of their own end with it."""
    return Call("DELETE", path_of("/users/{user_id}", user_id=user_id), DeletionShown, repeatable=True)


def get_history(
    user_id: str,
    *,
    limit: int | None = None,
    type: Sequence[
        Literal[
            "play",
            "skip",
            "like",
            "unlike",
            "dislike",
            "undislike",
            "playlist_add",
            "playlist_remove",
            "impression",
            "block",
            "unblock",
            "block_artist",
            "unblock_artist",
        ]
    ]
    | None = None,
    cursor: str | None = None,
    min_event_id: UUID | None = None,
    max_wait_ms: int | None = None,
    require_event: bool | None = None,
) -> Call[HistoryAnswer]:
    """What a listener did, newest first, from Postgres. Events that arrive meanwhile do not shift the pages."""
    return Call(
        "GET",
        path_of("/users/{user_id}/history", user_id=user_id),
        HistoryAnswer,
        query={
            "limit": limit,
            "type": type,
            "cursor": cursor,
            "min_event_id": min_event_id,
            "max_wait_ms": max_wait_ms,
            "require_event": require_event,
        },
        repeatable=True,
    )


def get_taste(
    user_id: str,
    *,
    top: int | None = None,
    min_event_id: UUID | None = None,
    max_wait_ms: int | None = None,
    require_event: bool | None = None,
) -> Call[TasteAnswer]:
    """What the live row says: the `top` genres, artists, moods and eras by share, and how what is liked sounds."""
    return Call(
        "GET",
        path_of("/users/{user_id}/taste", user_id=user_id),
        TasteAnswer,
        query={"top": top, "min_event_id": min_event_id, "max_wait_ms": max_wait_ms, "require_event": require_event},
        repeatable=True,
    )


def get_playlists(user_id: str, *, limit: int | None = None, cursor: str | None = None) -> Call[PlaylistsAnswer]:
    """The playlists that a listener owns, oldest first, without their tracks."""
    return Call(
        "GET",
        path_of("/users/{user_id}/playlists", user_id=user_id),
        PlaylistsAnswer,
        query={"limit": limit, "cursor": cursor},
        repeatable=True,
    )


def get_deletion(user_id: str, receipt_id: str) -> Call[DeletionShown]:
    """The receipt of a deletion: what was found, whether it is done, and what remains for how long."""
    return Call(
        "GET",
        path_of("/users/{user_id}/deletions/{receipt_id}", user_id=user_id, receipt_id=receipt_id),
        DeletionShown,
        repeatable=True,
    )


def export_user(user_id: str) -> Call[ExportShown]:
    """Everything that is stored about a user, as of one moment: profile, events, totals by track, blocks, playlists,
    keys, imports.

    JSON is sent while it is read, however long it is; an answer that breaks off before its last brace is not whole.
    `parquet`: a zip archive with a Parquet file for each of these, sent when all of it is made."""
    return Call("GET", path_of("/users/{user_id}/export", user_id=user_id), ExportShown, repeatable=True)


def generate_playlist(
    *,
    exclude: Sequence[str] | None = None,
    blocks: Blocks | None = None,
    filters: WantedTracks | None = None,
    adventurousness: float | None = None,
    diversity: Variety | None = None,
    heard_days: float | None = None,
    min_event_id: UUID | None = None,
    max_wait_ms: int | None = None,
    require_event: bool | None = None,
    seeds: Seeds | None = None,
    length: int | None = None,
    duration_ms: int | None = None,
    ordering: Literal["scored", "smooth"] | None = None,
    user_id: str | None = None,
    title: str | None = None,
    save: bool | None = None,
    public: bool | None = None,
    playlist_id: str | None = None,
) -> Call[GeneratedPlaylist]:
    """A playlist from seeds, for nobody or for a listener, of so many tracks or so much time.

    The same prompt, model and state of the listener make the same list. Without `save` nothing is stored."""
    return Call(
        "POST",
        "/playlists/generate",
        GeneratedPlaylist,
        body=given(
            exclude=exclude,
            blocks=blocks,
            filters=filters,
            adventurousness=adventurousness,
            diversity=diversity,
            heard_days=heard_days,
            min_event_id=min_event_id,
            max_wait_ms=max_wait_ms,
            require_event=require_event,
            seeds=seeds,
            length=length,
            duration_ms=duration_ms,
            ordering=ordering,
            user_id=user_id,
            title=title,
            save=save,
            public=public,
            playlist_id=playlist_id,
        ),
    )


def create_playlist(
    name: str,
    *,
    playlist_id: str | None = None,
    owner_id: str | None = None,
    public: bool | None = None,
    track_ids: Sequence[str] | None = None,
) -> Call[PlaylistShown]:
    """Make a playlist. With a `playlist_id` of its own, a repeated request finds what the first one made (200).

    201: every reader sees it. 202: Kafka has stored it for good, and it is not seen yet (`"applied": false`)."""
    return Call(
        "POST",
        "/playlists",
        PlaylistShown,
        body=given(name=name, playlist_id=playlist_id, owner_id=owner_id, public=public, track_ids=track_ids),
    )


def get_playlist(playlist_id: str) -> Call[PlaylistShown]:
    """A playlist with its tracks, from Postgres. Its ETag is what If-Match and If-None-Match take."""
    return Call("GET", path_of("/playlists/{playlist_id}", playlist_id=playlist_id), PlaylistShown, repeatable=True)


def change_playlist(
    playlist_id: str,
    *,
    name: str | None = None,
    public: bool | None = None,
    track_ids: Sequence[str] | None = None,
    if_match: int | Literal["*"] | None = None,
) -> Call[PlaylistShown]:
    """Rename, show or hide, or replace all tracks, which needs If-Match."""
    return Call(
        "PATCH",
        path_of("/playlists/{playlist_id}", playlist_id=playlist_id),
        PlaylistShown,
        body=given(name=name, public=public, track_ids=track_ids),
        headers=given(**{"If-Match": tag_of(if_match)}),
    )


def delete_playlist(playlist_id: str, *, if_match: int | Literal["*"] | None = None) -> Call[None]:
    """Delete a playlist."""
    return Call(
        "DELETE",
        path_of("/playlists/{playlist_id}", playlist_id=playlist_id),
        type(None),
        headers=given(**{"If-Match": tag_of(if_match)}),
        repeatable=if_match != "*",
    )


def export_playlist(playlist_id: str, *, format: Literal["jspf", "m3u8", "csv", "spotify"] | None = None) -> Call[str]:
    """The playlist as a file: JSPF, M3U8, CSV, or its Spotify URIs, one a line."""
    return Call(
        "GET", path_of("/playlists/{playlist_id}/export", playlist_id=playlist_id), str, query={"format": format}, repeatable=True
    )


def add_tracks(
    playlist_id: str, track_ids: Sequence[str], *, position: int | None = None, if_match: int | Literal["*"] | None = None
) -> Call[PlaylistShown]:
    """Put tracks at the end, or with If-Match at a place. With If-Match a repeated request adds nothing twice (412)."""
    return Call(
        "POST",
        path_of("/playlists/{playlist_id}/tracks", playlist_id=playlist_id),
        PlaylistShown,
        body=given(track_ids=track_ids, position=position),
        headers=given(**{"If-Match": tag_of(if_match)}),
    )


def remove_tracks(
    playlist_id: str,
    *,
    position: Sequence[int] | None = None,
    track_id: Sequence[str] | None = None,
    if_match: int | Literal["*"] | None = None,
) -> Call[PlaylistShown]:
    """Take out what stands at these positions, which needs If-Match, and these tracks."""
    return Call(
        "DELETE",
        path_of("/playlists/{playlist_id}/tracks", playlist_id=playlist_id),
        PlaylistShown,
        query={"position": position, "track_id": track_id},
        headers=given(**{"If-Match": tag_of(if_match)}),
        repeatable=if_match != "*",
    )


def get_models() -> Call[ModelsAnswer]:
    """Every model of the registry, newest first, with what it was made from and how it did."""
    return Call("GET", "/models", ModelsAnswer, repeatable=True)


def roll_back() -> Call[ModelsAnswer]:
    """Retire the champion and go back to the newest older model that was promoted."""
    return Call("POST", "/models/rollback", ModelsAnswer)


def get_model(version: str) -> Call[ModelShown]:
    """One model."""
    return Call("GET", path_of("/models/{version}", version=version), ModelShown, repeatable=True)


def promote_model(version: str) -> Call[ModelsAnswer]:
    """Make this model the champion; every process swaps it in within SEGUE_API_POLL_S and the time that loading takes."""
    return Call("POST", path_of("/models/{version}/promote", version=version), ModelsAnswer)


def issue_token(user_id: str, *, expires_s: int | None = None) -> Call[TokenAnswer]:
    """A token that opens this listener's own data and nothing else. It ends with its time, or with the key that issued it."""
    return Call("POST", "/tokens", TokenAnswer, body=given(user_id=user_id, expires_s=expires_s))


def get_status() -> Call[StatusAnswer]:
    """This process, the servers behind it with reasons, and how far the processors are behind the log."""
    return Call("GET", "/admin/status", StatusAnswer, repeatable=True)


def get_dead_letters(*, limit: int | None = None) -> Call[LettersAnswer]:
    """What could not be processed, newest first, and why. `segue events dead-letters --show ID` has the bytes."""
    return Call("GET", "/admin/dead-letters", LettersAnswer, query={"limit": limit}, repeatable=True)


def get_keys() -> Call[KeysAnswer]:
    """All keys by their prefix, newest first."""
    return Call("GET", "/admin/keys", KeysAnswer, repeatable=True)


def make_key(
    name: str, scopes: Sequence[Literal["read", "events", "admin"]], *, listener: str | None = None, expires: str | None = None
) -> Call[KeyMade]:
    """A new key. It is shown this once: only its digest is kept."""
    return Call("POST", "/admin/keys", KeyMade, body=given(name=name, scopes=scopes, listener=listener, expires=expires))


def revoke_key(prefix: str) -> Call[KeyShown]:
    """Take a key back for good, and the tokens it issued; every process refuses it within SEGUE_API_KEY_CACHE_S."""
    return Call("DELETE", path_of("/admin/keys/{prefix}", prefix=prefix), KeyShown, repeatable=True)


def index() -> Call[IndexAnswer]:
    """What there is."""
    return Call("GET", "/", IndexAnswer, repeatable=True)


def healthz() -> Call[HealthAnswer]:
    """The process is alive. Nothing else is looked at: a restart would not mend another server."""
    return Call("GET", "/healthz", HealthAnswer, repeatable=True)


def readyz() -> Call[ReadinessAnswer]:
    """200 if recommendations can be answered, even degraded; 503 if not. Each dependency with its status; the reasons, which
    may name addresses, only for those with a key where keys are required."""
    return Call("GET", "/readyz", ReadinessAnswer, repeatable=True)


def metrics() -> Call[str]:
    """Prometheus text format."""
    return Call("GET", "/metrics", str, repeatable=True)
