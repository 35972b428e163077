"""The whole road: catalogue, history, model and API on the session's servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.stack import LocalStack
from segue.kafka import consumer_lag
from segue.settings import Settings
from segue.topics import CATALOGUE, LISTENING_EVENTS, PLAYLISTS, USERS

GENRES = {"rock": 0.85, "jazz": 0.25, "pop": 0.6}
TRACKS_PER_GENRE = 60
HEADER = (
    "track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,track_album_release_date,playlist_name,"
    "playlist_id,playlist_genre,playlist_subgenre,danceability,energy,key,loudness,mode,speechiness,acousticness,"
    "instrumentalness,liveness,valence,tempo,duration_ms"
)


def catalogue_csv() -> str:
    """Three genres that differ in sound, ten tracks an artist, a playlist for each artist's neighbourhood."""
    lines = [HEADER]
    for genre, energy in GENRES.items():
        for number in range(TRACKS_PER_GENRE):
            artist, sound = number // 10, energy + (number % 10) / 100
            lines.append(
                f"{genre}-{number:03d},{genre.title()} Song {number},{genre.title()} Artist {artist},"
                f"{90 - number},a{artist},Album {artist},"
                f"{1990 + artist}-01-01,{genre} {number % 6},{genre}-list-{number % 6},{genre},{genre} classics,"
                f"0.5,{sound:.2f},5,-6,1,0.05,{1 - energy:.2f},0,0.1,{sound:.2f},{100 + 50 * energy:.0f},200000"
            )
    return "\n".join(lines) + "\n"


@dataclass
class Road:
    """A client of the running API, and the stack behind it."""

    client: httpx.Client
    stack: LocalStack
    settings: Settings

    def recommend(self, user_id: str, **more: Any) -> dict[str, Any]:
        """The answer of POST /recommend/user/."""
        response = self.client.post("/recommend/user/", json={"user_id": user_id, "n": 10, **more})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def post(self, *events: dict[str, Any]) -> dict[str, Any]:
        """The answer of POST /events, which must have accepted all."""
        response = self.client.post("/events", json={"events": list(events)})
        assert response.status_code == 202, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def caught_up(self) -> bool:
        """Whether the processors have acknowledged everything."""
        topics = (CATALOGUE, PLAYLISTS, USERS, LISTENING_EVENTS)
        return not any(consumer_lag(self.settings.require_kafka(), self.settings.kafka_group, topics).values())


@pytest.fixture(scope="package")
def road(
    stack: LocalStack, settings: Settings, tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., None]
) -> Iterator[Road]:
    """Three genres, a simulated month of forty listeners, one model, the API."""
    path: Path = tmp_path_factory.mktemp("catalogue") / "songs.csv"
    path.write_text(catalogue_csv())
    stack.start("process-1", "process-2")
    stack.run_segue("ingest", "catalogue", str(path))
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.api_port}", timeout=30) as client:
        made = Road(client, stack, settings)
        wait_until(made.caught_up, 60, "the catalogue in Postgres")
        stack.run_segue("simulate", "--listeners", "40", "--backlog-days", "30")
        wait_until(made.caught_up, 60, "the history in Postgres")
        stack.run_segue("train", "--once")
        stack.start("api")
        wait_until(lambda: _model(client) is not None, 60, "a model in the API")
        yield made
    stack.stop("api", "process-1", "process-2")


def _model(client: httpx.Client) -> str | None:
    try:
        response = client.post("/recommend/user/", json={"user_id": "nobody"})
    except httpx.TransportError:
        return None
    return response.json().get("model_version") if response.status_code == 200 else None
