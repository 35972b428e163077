"""Letting go of what Spotify's API brought: when it is too old, or all of it when somebody wants that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from producers.publisher import open_publisher
from producers.simulator.clock import Clock
from producers.spotify.login import TokenFile, spotify_folder
from producers.spotify.plan import SOURCE_NAMES
from segue.errors import Unavailable
from segue.ingest_jobs import Jobs
from segue.kafka import consumer_lag
from segue.settings import Settings
from segue.stores.postgres.spotify_content import SpotifyContentStore
from segue.topics import CATALOGUE, PLAYLISTS

POLL_S = 0.5


@dataclass(frozen=True)
class Forgotten:
    """How many records were deleted."""

    tracks: int = 0
    playlists: int = 0


@dataclass(frozen=True)
class Forgetter:
    """Deletes through Kafka, so that a replay of the log finds the same. Raises Unavailable without Kafka or Postgres."""

    store: SpotifyContentStore
    jobs: Jobs
    settings: Settings
    clock: Clock

    def behind(self) -> int:
        """Records of tracks and playlists that are in the log and not stored yet."""
        lag = consumer_lag(self.settings.require_kafka(), self.settings.kafka_group, (CATALOGUE, PLAYLISTS))
        return sum(lag.values())

    def expired(self) -> Forgotten:
        """Delete what is older than SEGUE_SPOTIFY_RETENTION_DAYS. Nothing may be `behind`: newer records of the same could be.

        Imports that were not gone on with for as long are forgotten too: their positions hold names of tracks.
        """
        before = datetime.fromtimestamp(self.clock.now_s(), UTC) - timedelta(days=self.settings.spotify_retention_days)
        self.jobs.forget(SOURCE_NAMES, before)
        return self._delete(self.store.tracks(before), self.store.playlists(before))

    def everything(self) -> Forgotten:
        """Delete all of it. Waits SEGUE_INGEST_PATIENCE_S for what is in the log only; raises Unavailable past that."""
        deadline_s = self.clock.now_s() + self.settings.ingest_patience_s
        while behind := self.behind():
            if self.clock.now_s() > deadline_s or self.clock.stopped():
                raise Unavailable(f"{behind:,} records are not stored yet: start the processors (`segue up`) and run this again")
            self.clock.wait(POLL_S)
        # Their positions say which playlists have not changed since: they would not be read again.
        self.jobs.forget(SOURCE_NAMES)
        return self._delete(self.store.tracks(), self.store.playlists())

    def _delete(self, tracks: list[str], playlists: list[str]) -> Forgotten:
        if tracks or playlists:
            with open_publisher(self.settings, record_timeout_s=self.settings.ingest_patience_s) as publisher:
                publisher.publish_records(PLAYLISTS, ((playlist_id, None) for playlist_id in playlists))
                publisher.publish_records(CATALOGUE, ((track_id, None) for track_id in tracks))
        return Forgotten(len(tracks), len(playlists))


def forget_login(settings: Settings) -> bool:
    """Remove the token and what the application may do; the book of requests stays. Returns whether anybody was logged in."""
    folder = spotify_folder(settings)
    tokens = TokenFile(folder)
    was = tokens.path.exists()
    tokens.forget()
    (folder / "capabilities.json").unlink(missing_ok=True)
    return was
