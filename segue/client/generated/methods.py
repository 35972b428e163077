"""The methods of both clients.

Written by segue/client/writer.py from docs/openapi.json (`make docs`); do not edit.
"""

from __future__ import annotations

from segue.client.events import post_events
from segue.client.generated import calls
from segue.client.methods import Awaited, AwaitedPages, Blocking, BlockingPages


class BlockingMethods:
    """One method for each operation."""

    recommend_song = Blocking(calls.recommend_song)
    similar_tracks = Blocking(calls.similar_tracks)
    recommend_user = Blocking(calls.recommend_user)
    recommend_session = Blocking(calls.recommend_session)
    recommend_playlist = Blocking(calls.recommend_playlist)
    recommend_group = Blocking(calls.recommend_group)
    get_trending = Blocking(calls.get_trending)
    post_events = Blocking(post_events)
    give_feedback = Blocking(calls.give_feedback)
    get_blocks = Blocking(calls.get_blocks)
    search_tracks = Blocking(calls.search_tracks)
    iter_search_tracks = BlockingPages(calls.search_tracks)
    get_tracks = Blocking(calls.get_tracks)
    get_track = Blocking(calls.get_track)
    get_audio = Blocking(calls.get_audio)
    get_genres = Blocking(calls.get_genres)
    get_moods = Blocking(calls.get_moods)
    get_user = Blocking(calls.get_user)
    get_history = Blocking(calls.get_history)
    iter_history = BlockingPages(calls.get_history)
    get_taste = Blocking(calls.get_taste)
    get_playlists = Blocking(calls.get_playlists)
    iter_playlists = BlockingPages(calls.get_playlists)
    get_models = Blocking(calls.get_models)
    roll_back = Blocking(calls.roll_back)
    get_model = Blocking(calls.get_model)
    promote_model = Blocking(calls.promote_model)
    issue_token = Blocking(calls.issue_token)
    get_status = Blocking(calls.get_status)
    get_dead_letters = Blocking(calls.get_dead_letters)
    get_keys = Blocking(calls.get_keys)
    make_key = Blocking(calls.make_key)
    revoke_key = Blocking(calls.revoke_key)
    index = Blocking(calls.index)
    healthz = Blocking(calls.healthz)
    readyz = Blocking(calls.readyz)
    metrics = Blocking(calls.metrics)


class AsyncMethods:
    """One method for each operation."""

    recommend_song = Awaited(calls.recommend_song)
    similar_tracks = Awaited(calls.similar_tracks)
    recommend_user = Awaited(calls.recommend_user)
    recommend_session = Awaited(calls.recommend_session)
    recommend_playlist = Awaited(calls.recommend_playlist)
    recommend_group = Awaited(calls.recommend_group)
    get_trending = Awaited(calls.get_trending)
    post_events = Awaited(post_events)
    give_feedback = Awaited(calls.give_feedback)
    get_blocks = Awaited(calls.get_blocks)
    search_tracks = Awaited(calls.search_tracks)
    iter_search_tracks = AwaitedPages(calls.search_tracks)
    get_tracks = Awaited(calls.get_tracks)
    get_track = Awaited(calls.get_track)
    get_audio = Awaited(calls.get_audio)
    get_genres = Awaited(calls.get_genres)
    get_moods = Awaited(calls.get_moods)
    get_user = Awaited(calls.get_user)
    get_history = Awaited(calls.get_history)
    iter_history = AwaitedPages(calls.get_history)
    get_taste = Awaited(calls.get_taste)
    get_playlists = Awaited(calls.get_playlists)
    iter_playlists = AwaitedPages(calls.get_playlists)
    get_models = Awaited(calls.get_models)
    roll_back = Awaited(calls.roll_back)
    get_model = Awaited(calls.get_model)
    promote_model = Awaited(calls.promote_model)
    issue_token = Awaited(calls.issue_token)
    get_status = Awaited(calls.get_status)
    get_dead_letters = Awaited(calls.get_dead_letters)
    get_keys = Awaited(calls.get_keys)
    make_key = Awaited(calls.make_key)
    revoke_key = Awaited(calls.revoke_key)
    index = Awaited(calls.index)
    healthz = Awaited(calls.healthz)
    readyz = Awaited(calls.readyz)
    metrics = Awaited(calls.metrics)
