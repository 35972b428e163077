"""What a request and an answer of each route look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

_ITEM = {
    "track_id": "4uLU6hMCjMI75M1A2tKUQC",
    "name": "Never Gonna Give You Up",
    "artists": ["Rick Astley"],
    "score": 3.4142,
    "reason": {
        "code": "because_you_played",
        "text": "Because you played Together Forever by Rick Astley",
        "seed_track_id": "3LWzfwwhiPrUz8pOnWlMzl",
    },
    "sources": ["co_listening", "als"],
    "propensity": 1.0,
    "suits": [],
}
_STATE = {"events": 42, "last_event_at": "2026-11-23T19:04:58Z", "age_ms": 310, "source": "redis"}
_MADE = {
    "rec_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77",
    "model_version": "20261123T190501Z-3f9a1c",
    "degraded": [],
    "items": [_ITEM],
    "notes": [],
    "seed": None,
}
LISTENER = {**_MADE, "user_id": "alice", "state": _STATE}
SONG = {**_MADE, "track_id": "3LWzfwwhiPrUz8pOnWlMzl"}
NEXT = _MADE
GROUP = {
    **_MADE,
    "members": [{"user_id": "alice", "state": _STATE}],
    "items": [
        {
            **_ITEM,
            "reason": {"code": "suits_everyone", "text": "Suits everyone: alice, bob", "seed_track_id": None},
            "suits": ["alice", "bob"],
        }
    ],
}
_FEATURES = {
    "danceability": 0.721, "energy": 0.939, "key": 8, "loudness": -11.8, "mode": 1, "speechiness": 0.0376, "acousticness": 0.115,
    "instrumentalness": 0.0, "liveness": 0.108, "valence": 0.914, "tempo": 113.3,
}  # fmt: skip
TRACK = {
    "track_id": "4uLU6hMCjMI75M1A2tKUQC", "name": "Never Gonna Give You Up", "artists": ["Rick Astley"],
    "album": "Whenever You Need Somebody", "year": 1987, "duration_ms": 213_573, "explicit": False, "popularity": 77,
    "genres": ["pop", "dance pop"], "mood": "happy", "features": _FEATURES,
}  # fmt: skip
SEARCH = {"query": "never gona giv", "items": [TRACK], "forgiven": True, "next_cursor": None}
AUDIO = {
    "track_id": TRACK["track_id"], "mood": "happy", "features": _FEATURES, "key": "G♯ major",
    "ranks": {"danceability": 0.62, "energy": 0.93, "valence": 0.95, "tempo": 0.41}, "degraded": [],
    "genre": "pop", "genre_ranks": {"danceability": 0.58, "energy": 0.52, "valence": 0.55, "tempo": 0.47},
}  # fmt: skip
TRENDING = {
    "window": "24h", "order": "rising", "counted_at": "2026-11-24T19:04:58Z", "degraded": [],
    "items": [
        {
            "place": 1, "track_id": TRACK["track_id"], "name": TRACK["name"], "artists": TRACK["artists"],
            "genres": TRACK["genres"], "mood": TRACK["mood"], "listeners": 48, "score": 2.91, "growth": 3.72,
        }
    ],
    "notes": [],
}  # fmt: skip
PROFILES = {"at sign-up": {"display_name": "Alice", "genres": ["jazz", "soul"]}, "without a name": {"genres": ["jazz"]}}
PROFILE = {
    "user_id": "alice", "display_name": "Alice", "genres": ["jazz", "soul"], "applied": True,
    "created_at": "2026-11-23T19:04:58Z", "returned_at": None, "notes": [],
}  # fmt: skip
DELETION = {
    "receipt_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77", "user_id": "alice", "status": "done",
    "requested_at": "2026-11-23T19:05:00Z", "done_at": "2026-11-23T19:05:00.060Z",
    "found": {"profile": True, "events": 4211, "tracks": 830, "blocks": 3, "playlists": 2, "keys": 0},
    "remains": [
        {
            "what": "dead letters", "why": "records that could not be processed are kept as they came",
            "until": "2026-12-30T19:05:00Z",
        }
    ],
}  # fmt: skip
EXPORT = {
    "format": "segue-export-1", "exported_at": "2026-11-23T19:05:00Z",
    "user": {
        "user_id": "alice", "display_name": "Alice", "genres": ["jazz"], "events": 1, "last_event_at": "2026-11-23T19:04:58Z",
        "created_at": "2026-01-01T00:00:00Z", "returned_at": None,
    },
    "events": [
        {
            "event_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77", "type": "play", "track_id": TRACK["track_id"],
            "name": TRACK["name"], "artists": TRACK["artists"], "occurred_at": "2026-11-23T19:04:58Z", "ms_played": 181_000,
            "session_id": None, "rec_id": None, "position": None, "source": None,
        }
    ],
    "tracks": [
        {
            "track_id": TRACK["track_id"], "plays": 1, "skips": 0, "saves": 0, "weight": 1.02, "stance": None,
            "last_at": "2026-11-23T19:04:58Z",
        }
    ],
    "blocks": [], "playlists": [], "keys": [],
    "imports": [
        {
            "source": "spotify-history", "label": "my_spotify_data.zip", "status": "done", "read": 40211,
            "started_at": "2026-11-20T18:00:02Z", "updated_at": "2026-11-20T18:00:31Z", "finished_at": "2026-11-20T18:00:31Z",
        }
    ],
}  # fmt: skip
HISTORY = {
    "user_id": "alice",
    "items": [
        {
            "event_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77", "type": "play", "track_id": TRACK["track_id"],
            "name": TRACK["name"], "artists": TRACK["artists"], "occurred_at": "2026-11-23T19:04:58Z", "ms_played": 181_000,
            "session_id": None, "rec_id": None, "position": None, "source": None,
        }
    ],
    "next_cursor": "eyJvY2N1cnJlZF9hdCI6IjIwMjYtMTEtMjNUMTk6MDQ6NThaIn0",
}  # fmt: skip
TASTE = {
    "user_id": "alice", "state": _STATE, "degraded": [],
    "taste": {
        "tracks": 31, "plays": 40, "skips": 2, "liked": 3, "disliked": 0,
        "genres": [{"name": "pop", "share": 0.61}], "artists": [{"name": "Rick Astley", "share": 0.2}],
        "moods": [{"name": "happy", "share": 0.7}], "eras": [{"decade": 1980, "share": 0.55}],
        "audio": {"energy": {"mean": 0.81, "deviation": 0.12}, "tempo": {"mean": 117.2, "deviation": 14.0}},
    },
}  # fmt: skip
FEEDBACKS = {
    "like": {"action": "like", "track_id": TRACK["track_id"]},
    "block": {"action": "block", "track_id": TRACK["track_id"], "rec_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77"},
    "not now": {"action": "not_now", "track_id": TRACK["track_id"], "days": 7},
    "block an artist": {"action": "block_artist", "artist": "Rick Astley"},
}
FEEDBACK = {"user_id": "alice", "event_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77", "action": "block", "until": None}
LISTENER_QUESTIONS = {
    "plain": {"user_id": "alice"},
    "steered": {
        "user_id": "alice",
        "n": 20,
        "filters": {
            "genres": ["rock"], "exclude_genres": ["metal"], "moods": ["happy"], "year_min": 1990,
            "features": {"tempo": {"min": 90, "max": 130}},
        },
        "heard_days": 30,
        "adventurousness": 0.8,
        "diversity": {"strength": 0.4, "per_artist": 1},
        "blocks": {"artists": ["Rick Astley"]},
    },
    "exploring": {"user_id": "alice", "exploration": {"epsilon": 0.1, "seed": 7}},
    "newcomer": {"user_id": "bob", "genres": ["jazz"], "artists": ["Nina Simone"]},
}  # fmt: skip
SESSION_QUESTIONS = {
    "plain": {"tracks": ["3LWzfwwhiPrUz8pOnWlMzl", "4uLU6hMCjMI75M1A2tKUQC"]},
    "with skips": {"tracks": [{"track_id": "3LWzfwwhiPrUz8pOnWlMzl", "outcome": "skip"}, "4uLU6hMCjMI75M1A2tKUQC"]},
}
PLAYLIST_QUESTIONS = {
    "continued": {"tracks": ["3LWzfwwhiPrUz8pOnWlMzl"], "title": "calm jazz evening"},
    "from a title": {"title": "summer rock"},
}
GROUP_QUESTIONS = {"two": {"user_ids": ["alice", "bob"], "n": 20}}


KEYS: dict[str, Any] = {
    "player": {"name": "web player", "scopes": ["read", "events"], "expires": "90d"},
    "listener": {"name": "kitchen", "scopes": ["read", "events"], "listener": "alice"},
    "operator": {"name": "operations", "scopes": ["admin"]},
}
PLAYLIST = {
    "playlist_id": "019aaf6a-7d1c-7b43-8f0e-2f4f2a1b9c78", "name": "Late shift", "owner_id": "alice", "public": False,
    "version": 412, "applied": True, "changed_at": "2026-11-23T19:04:58Z",
    "tracks": [
        {"track_id": TRACK["track_id"], "name": TRACK["name"], "artists": TRACK["artists"], "duration_ms": TRACK["duration_ms"]}
    ],
    "notes": [],
}  # fmt: skip
NEW_PLAYLISTS = {
    "of a listener": {"name": "Late shift", "owner_id": "alice", "track_ids": [TRACK["track_id"]]},
    "seen by all, repeatable": {"playlist_id": "late-shift", "name": "Late shift", "owner_id": "alice", "public": True},
}
PLAYLIST_PROMPTS = {
    "an hour for a run": {
        "seeds": {"genres": ["rock"], "moods": ["energetic"]}, "duration_ms": 3_600_000, "ordering": "smooth",
        "filters": {"features": {"tempo": {"min": 150, "max": 180}}}, "user_id": "alice",
    },
    "like a track and an artist": {"seeds": {"tracks": [TRACK["track_id"]], "artists": ["Rick Astley"]}, "length": 30},
    "saved": {"seeds": {"genres": ["pop"]}, "user_id": "alice", "title": "Friday", "save": True, "playlist_id": "friday"},
}  # fmt: skip
_GENERATED_ITEM = {name: value for name, value in _ITEM.items() if name not in ("propensity", "suits")}
GENERATED = {
    "rec_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77", "title": "Friday", "user_id": "alice",
    "model_version": "20261123T190501Z-3f9a1c", "state": _STATE, "degraded": [], "duration_ms": TRACK["duration_ms"],
    "items": [
        {
            **_GENERATED_ITEM, "duration_ms": TRACK["duration_ms"],
            "reason": {"code": "popular_in_genre", "text": "Popular in pop", "seed_track_id": None},
        }
    ],
    "notes": [], "saved": {"playlist_id": "friday", "owner_id": "alice", "public": False, "version": 412, "applied": True},
}  # fmt: skip
PLAYLIST_PATCHES = {
    "another name": {"name": "Early shift"},
    "another order": {"track_ids": [TRACK["track_id"], "3LWzfwwhiPrUz8pOnWlMzl"]},
}
ADDED_TRACKS = {
    "at the end": {"track_ids": ["3LWzfwwhiPrUz8pOnWlMzl"]},
    "at the front": {"track_ids": ["3LWzfwwhiPrUz8pOnWlMzl"], "position": 0},
}


def asked(model: str, examples: dict[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads this model from its body."""
    content = {"schema": {"$ref": f"#/components/schemas/{model}"}, "examples": {n: {"value": v} for n, v in examples.items()}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
