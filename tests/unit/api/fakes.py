"""The ports of the API in memory. Each can be taken away and brought back by setting `away`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from api.access.key_ring import Keys
from api.access.rates import OwnBuckets, Shared
from api.event_watcher import Arrivals, RowMarks
from api.listenbrainz.door import Players
from api.listener_states import Rows, Users
from api.live_catalogue import TrackSource
from api.live_model import Registry, Served
from api.playlists.writer import Playlists
from api.profiles import StoredProfiles
from api.services import Histories, Models
from segue.api_keys import ApiKey, Scope, digest_of, new_key, prefix_of
from segue.catalogue import Track
from segue.errors import CorruptSnapshot, NotFound, PostgresUnavailable, RedisUnavailable
from segue.events import ListeningType, PlaylistRecord, UserRecord
from segue.ids import TrackNo, UserNo
from segue.listeners import ListenerState
from segue.stores.postgres.arrivals import Arrival
from segue.stores.postgres.catalogue import TrackChange
from segue.stores.postgres.exports import Part
from segue.stores.postgres.history import Moment, PastEvent
from segue.stores.postgres.models import RegisteredModel, Verdict
from segue.stores.postgres.playlists import Playlist, PlaylistHead, playlist_mbid
from segue.stores.postgres.users import User
from segue.stores.redis.rows import ListenerRow, RowMark, row_of
from segue.topics import PLAYLISTS, USERS
from tests.unit.api.made import fitted

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


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


class FakePostgres(Users, StoredProfiles, TrackSource, Registry, Histories, Playlists, Arrivals):
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

    def reached(self, user_id: str, partition: int, offset: int) -> tuple[bool, User | None]:  # noqa: ARG002 - one partition
        self.ping()
        if not self.stopped:
            for topic, key, record in self.records:
                if topic == USERS and key == user_id:
                    self._profile(user_id, record)
        return not self.stopped and len(self.records) > offset, self.users.get(user_id)

    def _profile(self, user_id: str, record: msgspec.Struct | None) -> None:
        """What the processors make of a record: one after a deletion begins anew."""
        if isinstance(record, UserRecord):
            returned_at = MADE_AT if user_id in self.deleted else None
            self.deleted.discard(user_id)
            self.users[user_id] = User(UserNo(1), user_id, record.display_name, record.genres, 0, None, MADE_AT, returned_at)
        else:
            self.users.pop(user_id, None)
            self.deleted.add(user_id)

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

    def by_mbid(self, mbid: str) -> Playlist | None:
        self.ping()
        return next((p for p in self.playlists.values() if playlist_mbid(p.playlist_id) == mbid), None)

    def listed(
        self, owner_id: str, prefix: str, limit: int, offset: int = 0, *, with_prefix: bool
    ) -> tuple[list[PlaylistHead], int]:
        theirs = [p for p in self.owned(owner_id, 1_000_000) if (p.source or "").startswith(prefix) == with_prefix]
        heads = [PlaylistHead(p.playlist_id, p.name, p.owner_id, p.source, p.changed_at, p.public) for p in theirs[::-1]]
        return heads[offset : offset + limit], len(heads)

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
        self._change(new.track_no, new)

    def delete(self, gone: Track) -> None:
        self._change(gone.track_no, None)

    def _change(self, track_no: TrackNo, track: Track | None) -> None:
        """A table has one row of a track: what it was before is not told again."""
        self.changes = [change for change in self.changes if change.track_no != track_no]
        self.changes.append(TrackChange(track_no, track, datetime.now(UTC)))


def _moment(event: PastEvent) -> tuple[datetime, uuid.UUID]:
    return event.occurred_at, event.event_id


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
