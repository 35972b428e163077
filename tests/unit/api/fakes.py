"""The ports of the API in memory. Each can be taken away and brought back by setting `away`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import msgspec
import numpy as np
from scipy.sparse import csr_matrix

from api.access.key_ring import Keys
from api.access.rates import OwnBuckets, Shared
from api.deletions import Receipts
from api.event_publisher import EventPublisher, Position
from api.event_watcher import Arrivals, RowMarks
from api.listenbrainz.door import Players
from api.listener_states import Rows, Users
from api.live_catalogue import TrackSource
from api.live_model import Registry, Served
from api.live_trending import Counts
from api.operations import Operations
from api.playlists.writer import Playlists
from api.services import Histories, Models
from segue.api_keys import ApiKey, Scope, digest_of, new_key, prefix_of
from segue.catalogue import Track
from segue.dead_letters import Letter
from segue.errors import CorruptSnapshot, KafkaUnavailable, NotFound, PostgresUnavailable, RedisUnavailable
from segue.events import AudioFeatures, ListeningEvent, ListeningType, PlaylistRecord
from segue.ids import TrackNo, UserNo
from segue.listeners import Cell, ListenerState
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend
from segue.models.contract import Interactions
from segue.recommending.answer import Recommender
from segue.stores.postgres.arrivals import Arrival
from segue.stores.postgres.catalogue import TrackChange
from segue.stores.postgres.deletions import Found, Receipt, Remains
from segue.stores.postgres.exports import Part
from segue.stores.postgres.history import Moment, PastEvent
from segue.stores.postgres.models import RegisteredModel, Verdict
from segue.stores.postgres.playlists import Playlist
from segue.stores.postgres.users import User
from segue.stores.redis.rows import ListenerRow, RowMark, row_of
from segue.taste import forward_factor
from segue.topics import DEAD_LETTERS, LISTENING_EVENTS, PLAYLISTS, USERS
from segue.trending.counts import Heard, Numbers, Past
from segue.trending.windows import Window, WindowName

JAZZ_SOUND = {"valence": 0.3, "energy": 0.2}
ROCK_SOUND = {"valence": 0.8, "energy": 0.9}


def track(number: int, genre: str, **changes: object) -> Track:
    """Track `t<number>`: calm-sad jazz or happy rock, popularity 100 less its number, released in 1980 plus its number."""
    sound = JAZZ_SOUND if genre == "jazz" else ROCK_SOUND
    neutral = dict.fromkeys(("danceability", "speechiness", "acousticness", "instrumentalness", "liveness"), 0.5)
    features = AudioFeatures(**neutral, **sound, key=1, mode=1, loudness=-8.0, tempo=100.0 + number)
    facts: dict[str, object] = {
        "track_no": TrackNo(number), "track_id": f"t{number}", "name": f"Song {'abcdefghijklmnopqrstuvwxyz'[number]}",
        "artists": (f"Artist {number}",), "album": "Album", "year": 1980 + number, "duration_ms": 180_000, "explicit": False,
        "popularity": 100 - number, "genres": (genre,), "features": features,
    }  # fmt: skip
    return Track(**(facts | changes))  # type: ignore[arg-type]


JAZZ = [track(number, "jazz") for number in range(1, 9)]
ROCK = [track(number, "rock") for number in range(9, 17)]
CATALOGUE = JAZZ + ROCK


@cache
def fitted() -> Recommender:
    """A real recommender: ten listeners of the jazz tracks, ten of the rock tracks, each missing two."""
    tracks = CATALOGUE
    half = len(tracks) // 2
    plays = np.zeros((20, len(tracks)), np.float32)
    for listener in range(20):
        columns = np.arange(half) + half * (listener % 2)
        plays[listener, np.delete(columns, [listener % half, (listener + 1) % half])] = 3.0
    numbers = np.array([t.track_no for t in tracks], np.int32)
    blend = Blend(als=AlsModel(AlsConfig(factors=4, iterations=4))).fit(Interactions(csr_matrix(plays), numbers, 20), tracks)
    return Recommender.build(blend, numbers, tracks)


def state(*played: int, events: int | None = None, user_no: int = 1) -> ListenerState:
    """Someone who played these tracks once each, just now."""
    now_s = time.time()
    cells = [Cell(TrackNo(number), forward_factor(now_s), 1, 0, 0, 1, now_s) for number in played]
    return ListenerState(UserNo(user_no), len(played) if events is None else events, now_s, cells)


def row(*played: int) -> ListenerRow:
    """The live row of that state."""
    return row_of(state(*played), time.time())


class FakeRates(Shared):
    """Redis's buckets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._buckets = OwnBuckets(1_000, clock)
        self.away = False

    async def take(self, caller: str, rate_per_s: float, burst: int, wanted: int = 1) -> tuple[int, float]:
        if self.away:
            raise RedisUnavailable("connection refused")
        return self._buckets.take(caller, rate_per_s, burst, wanted)


class FakePlayers(Players):
    """What listeners are playing and for how long it was to be shown, and the recordings that they named."""

    def __init__(self) -> None:
        self.shown: dict[str, tuple[bytes, int]] = {}
        self.recordings: dict[tuple[str, str], str] = {}
        self.away = False

    async def put_playing(self, user_id: str, playing: bytes, ttl_s: int) -> None:
        self._call()
        self.shown[user_id] = (playing, ttl_s)

    async def playing(self, user_id: str) -> bytes | None:
        self._call()
        return self.shown[user_id][0] if user_id in self.shown else None

    async def put_recordings(self, user_id: str, tracks: Mapping[str, str]) -> None:
        self._call()
        self.recordings |= {(user_id, mbid): track_id for mbid, track_id in tracks.items()}

    async def recording(self, user_id: str, mbid: str) -> str | None:
        self._call()
        return self.recordings.get((user_id, mbid))

    def _call(self) -> None:
        if self.away:
            raise RedisUnavailable("connection refused")


class FakeRows(Rows, RowMarks):
    """Redis."""

    def __init__(self) -> None:
        self.rows: dict[str, ListenerRow] = {}
        self.away = False
        self.calls = 0

    async def row(self, user_id: str) -> ListenerRow | None:
        self._call()
        return self.rows.get(user_id)

    async def fill(self, user_id: str, state: ListenerState) -> None:
        self._call()
        self.rows.setdefault(user_id, row_of(state, time.time()))

    async def marks(self, user_ids: Collection[str]) -> dict[str, RowMark]:
        self._call()
        return {one: RowMark(self.rows[one].user_no, self.rows[one].events) for one in user_ids if one in self.rows}

    async def ping(self) -> None:
        self._call()

    async def close(self) -> None:
        self.rows.clear()

    def _call(self) -> None:
        self.calls += 1
        if self.away:
            raise RedisUnavailable("connection refused")


class FakeKeys(Keys):
    """Keys in Postgres; `postgres` says whether it is away."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.postgres = postgres
        self.stored: dict[str, tuple[ApiKey, bytes]] = {}
        self.lookups = 0

    def find(self, prefix: str) -> tuple[ApiKey, bytes] | None:
        self.lookups += 1
        self.postgres.ping()
        return self.stored.get(prefix)

    def add(
        self,
        *scopes: Scope,
        expires_at: datetime | None = None,
        revoked_at: datetime | None = None,
        user_id: str | None = None,
    ) -> str:
        key = new_key()
        prefix = prefix_of(key)
        assert prefix is not None
        made = ApiKey(prefix, "test", frozenset(scopes), datetime(2026, 1, 1, tzinfo=UTC), expires_at, revoked_at, user_id)
        self.stored[prefix] = (made, digest_of(key))
        return key

    def create(self, name: str, scopes: frozenset[Scope], expires_at: datetime | None, user_id: str | None = None) -> str:
        self.postgres.ping()
        key = self.add(*scopes, expires_at=expires_at, user_id=user_id)
        made, digest = self.stored[prefix_of(key) or ""]
        self.stored[made.prefix] = (replace(made, name=name), digest)
        return key

    def list(self) -> list[ApiKey]:
        self.postgres.ping()
        return [made for made, _ in reversed(self.stored.values())]

    def revoke(self, prefix: str) -> ApiKey:
        self.postgres.ping()
        prefix = prefix_of(prefix) or prefix
        if prefix not in self.stored:
            raise NotFound(f"no key {prefix}")
        made, digest = self.stored[prefix]
        revoked = replace(made, revoked_at=datetime.now(UTC))
        self.stored[prefix] = (revoked, digest)
        return revoked


class FakePostgres(Users, TrackSource, Registry, Histories, Playlists, Arrivals):
    """Postgres: users, tracks and the registry."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self.users: dict[str, User] = {}
        self.keys = FakeKeys(self)
        self.states: dict[str, ListenerState] = {}
        self.histories: dict[str, list[PastEvent]] = {}
        self.playlists: dict[str, Playlist] = {}
        self.records: list[tuple[str, str, msgspec.Struct | None]] = []
        self.stopped = False
        self.deleted: set[str] = set()
        self.changes = [TrackChange(t.track_no, t, datetime(2026, 1, 1, tzinfo=UTC)) for t in tracks]
        self.promoted: str | None = None
        self.arrivals: dict[uuid.UUID, Arrival] = {}
        self.asked_for: list[int] = []
        self.exports: dict[str, Iterable[Part]] = {}
        self.exporting = 0
        self.away = False
        self.calls = 0

    def by_id(self, user_id: str) -> User | None:
        self.ping()
        return self.users.get(user_id)

    def state(self, user_id: str, max_cells: int) -> ListenerState | None:
        self.ping()
        found = self.states.get(user_id)
        return found and replace(found, cells=found.cells[:max_cells])

    def arrived(self, event_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Arrival]:
        self.ping()
        self.asked_for.append(len(event_ids))
        return {event_id: self.arrivals[event_id] for event_id in event_ids if event_id in self.arrivals}

    def parts(self, user_id: str) -> Generator[Part, None, None]:
        self.ping()
        if user_id not in self.exports:
            raise NotFound(f"user {user_id!r} is not known")
        self.exporting += 1
        try:
            for section, rows in self.exports[user_id]:
                self.ping()
                yield section, rows
        finally:
            self.exporting -= 1

    def changes_since(self, changed_at: datetime | None) -> list[TrackChange]:
        self.ping()
        return [change for change in self.changes if changed_at is None or change.changed_at >= changed_at]

    def newest(
        self,
        user_id: str,
        limit: int,
        types: Collection[ListeningType],
        before: Moment | None = None,
        since: datetime | None = None,
    ) -> list[PastEvent] | None:
        self.ping()
        if user_id not in self.histories:
            return None
        told = sorted(self._told(user_id, types, since), key=_moment, reverse=True)
        return [event for event in told if before is None or _moment(event) < (before.occurred_at, before.event_id)][:limit]

    def oldest(self, user_id: str, limit: int, types: Collection[ListeningType], since: datetime) -> list[PastEvent] | None:
        self.ping()
        return sorted(self._told(user_id, types, since), key=_moment)[:limit] if user_id in self.histories else None

    def count(self, user_id: str, types: Collection[ListeningType]) -> int | None:
        self.ping()
        return len(self._told(user_id, types, None)) if user_id in self.histories else None

    def _told(self, user_id: str, types: Collection[ListeningType], since: datetime | None) -> list[PastEvent]:
        return [e for e in self.histories[user_id] if e.type in types and (since is None or e.occurred_at > since)]

    def get(self, playlist_id: str) -> Playlist | None:
        self.ping()
        return self.playlists.get(playlist_id)

    def owned(self, owner_id: str, limit: int, after: int = 0) -> list[Playlist]:
        self.ping()
        theirs = [p for p in self.playlists.values() if p.owner_id == owner_id and p.playlist_no > after]
        return sorted(theirs, key=lambda playlist: playlist.playlist_no)[:limit]

    def passed(self, playlist_id: str, partition: int, version: int) -> tuple[bool, Playlist | None]:  # noqa: ARG002 - one partition
        self.ping()
        return self.process(playlist_id) >= version, self.playlists.get(playlist_id)

    def process(self, playlist_id: str) -> int:
        """What `records` of Kafka say becomes a playlist's row, unless the processors are `stopped`; returns how far they are."""
        if self.stopped:
            return 0
        for version, (topic, key, record) in enumerate(self.records, 1):
            if topic == PLAYLISTS and key == playlist_id:
                self._process(version, key, record)
        return len(self.records)

    def _process(self, version: int, playlist_id: str, record: msgspec.Struct | None) -> None:
        there = self.playlists.pop(playlist_id, None)
        if isinstance(record, PlaylistRecord) and record.owner_id not in self.deleted:
            number = there.playlist_no if there else version
            self.playlists[playlist_id] = Playlist(
                number, playlist_id, record.name, record.owner_id, record.source, datetime.now(UTC), record.track_ids, version,
                record.public,
            )  # fmt: skip

    def champion(self) -> tuple[str, str] | None:
        self.ping()
        return (self.promoted, f"memory/{self.promoted}") if self.promoted else None

    def ping(self) -> None:
        self.calls += 1
        if self.away:
            raise PostgresUnavailable("connection refused")

    def add(self, new: Track) -> None:
        self.changes.append(TrackChange(new.track_no, new, datetime.now(UTC)))

    def delete(self, gone: Track) -> None:
        self.changes = [change for change in self.changes if change.track_no != gone.track_no]
        self.changes.append(TrackChange(gone.track_no, None, datetime.now(UTC)))


def _moment(event: PastEvent) -> tuple[datetime, uuid.UUID]:
    return event.occurred_at, event.event_id


class FakeCounts(Counts):
    """Listeners by window and track number; nobody heard what is not there."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.postgres = postgres
        self.now: dict[WindowName, dict[int, int]] = {}
        self.before: dict[WindowName, dict[int, int]] = {}
        self.stored = 0
        self.asked: list[tuple[WindowName, str]] = []

    def progress(self) -> int:
        self.postgres.ping()
        return self.stored

    def heard(self, window: Window, now: datetime, most: int) -> Heard:
        self.asked.append((window.name, "heard"))
        track_no, listeners = self._counted(self.now, window, most)
        return Heard(now, track_no, listeners, listeners.astype(np.float64), int(listeners.sum()))

    def past(self, window: Window, now: datetime, most: int) -> Past:  # noqa: ARG002 - the port's own name
        self.asked.append((window.name, "past"))
        track_no, listeners = self._counted(self.before, window, most)
        return Past(track_no, listeners, int(listeners.sum()))

    def _counted(self, counts: dict[WindowName, dict[int, int]], window: Window, most: int) -> tuple[Numbers, Numbers]:
        self.postgres.ping()
        counted = dict(sorted(counts.get(window.name, {}).items(), key=lambda one: -one[1])[:most])
        return np.array(list(counted), np.int32), np.array(list(counted.values()), np.int32)


class FakePublisher(EventPublisher):
    """Kafka: takes every event and record, unless it is away or the listener is in `refused`."""

    def __init__(self) -> None:
        self.taken: list[ListeningEvent] = []
        self.records: list[tuple[str, str, msgspec.Struct | None]] = []
        self.refused: set[str] = set()
        self.kept: dict[str, float | None] = {LISTENING_EVENTS: None, USERS: 60.0, PLAYLISTS: 120.0, DEAD_LETTERS: 600.0}
        self.away = False
        self.closed = False

    async def publish(self, events: Sequence[ListeningEvent]) -> list[str | None]:
        await self.check()
        self.taken += [event for event in events if event.user_id not in self.refused]
        return ["broker gone" if event.user_id in self.refused else None for event in events]

    async def publish_records(self, topic: str, records: Mapping[str, msgspec.Struct | None]) -> dict[str, Position]:
        await self.check()
        first = len(self.records)
        self.records += [(topic, key, record) for key, record in records.items()]
        return {key: Position(0, first + at) for at, key in enumerate(records)}

    def kept_s(self) -> dict[str, float | None]:
        if self.away:
            raise KafkaUnavailable("no Kafka broker answers")
        return self.kept

    async def check(self) -> None:
        if self.away:
            raise KafkaUnavailable("no Kafka broker answers")

    def start(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True

    def queued(self) -> int:
        return 0


class FakeReceipts(Receipts):
    """Receipts in Postgres; `finish` is what a processor does when it comes to the deletion."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.postgres = postgres
        self.stored: dict[uuid.UUID, tuple[str, Receipt]] = {}

    def begin(self, user_id: str, remains: Sequence[Remains]) -> tuple[Receipt, list[str]]:
        self.postgres.ping()
        owned = [playlist.playlist_id for playlist in self.postgres.owned(user_id, 1_000)]
        pending = [receipt for owner, receipt in self.stored.values() if owner == user_id and receipt.done_at is None]
        found = Found(True, 3, 2, 1, len(owned), 0)
        receipt = pending[0] if pending else Receipt(uuid.uuid4(), datetime.now(UTC), found, tuple(remains), None)
        self.stored[receipt.receipt_id] = user_id, receipt
        return receipt, owned

    def get(self, user_id: str, receipt_id: uuid.UUID) -> Receipt | None:
        self.postgres.ping()
        owner, receipt = self.stored.get(receipt_id, ("", None))
        return receipt if owner == user_id else None

    def finish(self) -> None:
        self.stored = {one: (owner, replace(it, done_at=datetime.now(UTC))) for one, (owner, it) in self.stored.items()}


class FakeModels(Models):
    """The registry of versions v1 (older) and v2, of which the champion is what Postgres names."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.postgres = postgres
        self.verdicts: dict[str, Verdict] = {"v2": "kept", "v1": "promoted"}

    def list(self) -> Sequence[RegisteredModel]:
        self.postgres.ping()
        return [self.get(version) for version in self.verdicts]

    def get(self, version: str) -> RegisteredModel:
        self.postgres.ping()
        if version not in self.verdicts:
            raise NotFound(f"no model {version}")
        manifest = {"parameters": {"factors": 4}, "metrics": {"blend": {"ndcg@20": 0.1}}, "files": {"secret": "path"}}
        made_at = datetime(2026, 11, 23, tzinfo=UTC)
        return RegisteredModel(
            version, f"memory/{version}", manifest, made_at, self.verdicts[version], version == self.postgres.promoted
        )

    def promote(self, version: str) -> None:
        self.get(version)
        self.verdicts[version] = "promoted"
        self.postgres.promoted = version

    def rollback(self) -> str:
        if self.postgres.promoted != "v2":
            raise NotFound("there is none to go back to")
        self.verdicts["v2"], self.postgres.promoted = "retired", "v1"
        return "v1"


class FakeSnapshots:
    """Loads any version but those in `corrupt`."""

    def __init__(self) -> None:
        self.corrupt: set[str] = set()
        self.loads: list[str] = []

    def load(self, version: str, tracks: Sequence[Track]) -> Served:
        self.loads.append(version)
        if version in self.corrupt:
            raise CorruptSnapshot(f"snapshot {version}: item_factors.npy changed since it was written")
        return Served(version, datetime(2026, 11, 23, tzinfo=UTC), fitted().add_tracks(tracks))


class FakeOperations(Operations):
    """What is in the stream."""

    def __init__(self) -> None:
        self.behind = {"listening-events": 0}
        self.kept: list[Letter] = []

    async def lag(self) -> dict[str, int]:
        return self.behind

    async def letters(self, most: int) -> list[Letter]:
        return self.kept[:most]
