"""What the resources are given; built from Settings in `api.bootstrap`, from fakes in the tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from api.access.admission import Identities
from api.access.rates import Rates
from api.access.tokens import Tokens
from api.answers import Answers
from api.background import end_process
from api.deletions import Deletions
from api.event_publisher import EventPublisher
from api.event_watcher import EventWatcher
from api.exports import Exports
from api.freshness import FreshStates
from api.gates import PostgresGate
from api.listenbrainz.door import Door
from api.listener_states import ListenerStates
from api.live_catalogue import LiveCatalogue
from api.live_model import LiveModel
from api.live_trending import LiveTrending
from api.metrics import Metrics
from api.operations import Operations
from api.playlists.writer import Playlists, PlaylistWriter
from api.profiles import ProfileWriter
from api.search.live_search import LiveSearch
from segue.api_keys import ApiKey, Scope
from segue.events import ListeningType
from segue.settings import Settings
from segue.stores.postgres.history import Moment, PastEvent
from segue.stores.postgres.models import RegisteredModel
from segue.taste import TasteWeights
from segue.tracing import NO_TRACING, Tracing

Probe = Callable[[], Awaitable[None]]


class Histories(Protocol):
    """What listeners did; `segue.stores.postgres.history.HistoryStore` is one. Every call may raise PostgresUnavailable."""

    def newest(
        self,
        user_id: str,
        limit: int,
        types: Collection[ListeningType],
        before: Moment | None = None,
        since: datetime | None = None,
    ) -> list[PastEvent] | None:
        """The newest events before a moment and after a time, newest first. None for an unknown user."""

    def oldest(self, user_id: str, limit: int, types: Collection[ListeningType], since: datetime) -> list[PastEvent] | None:
        """The first events after a time, oldest first. None for an unknown user."""

    def count(self, user_id: str, types: Collection[ListeningType]) -> int | None:
        """How many events are stored. None for an unknown user."""


class Models(Protocol):
    """The registry; `segue.stores.postgres.models.ModelRegistry` is one. Every call may raise PostgresUnavailable."""

    def list(self) -> Sequence[RegisteredModel]:
        """All models, newest first."""

    def get(self, version: str) -> RegisteredModel:
        """One model. Raises NotFound."""

    def promote(self, version: str) -> None:
        """Make a version the champion. Raises NotFound."""

    def rollback(self) -> str:
        """Retire the champion and point at the one before; returns its version. Raises NotFound."""


class Keys(Protocol):
    """Keys of this API; `segue.stores.postgres.keys.KeyStore` is one. Every call may raise PostgresUnavailable."""

    def create(self, name: str, scopes: frozenset[Scope], expires_at: datetime | None, user_id: str | None = None) -> str:
        """A new key; `user_id` makes it a listener's."""

    def list(self) -> list[ApiKey]:
        """All keys, newest first."""

    def revoke(self, prefix: str) -> ApiKey:
        """Take a key back for good. Raises NotFound."""


async def _nothing() -> None:
    return


@dataclass(frozen=True)
class Services:
    """The parts of one API process. `probes`: by server name, a call that raises Unavailable when the server is away."""

    settings: Settings
    weights: TasteWeights
    metrics: Metrics
    catalogue: LiveCatalogue
    model: LiveModel
    listeners: ListenerStates
    states: FreshStates
    watcher: EventWatcher
    answers: Answers
    events: EventPublisher
    search: LiveSearch
    trending: LiveTrending
    histories: Histories
    playlists: Playlists
    playlist_writer: PlaylistWriter
    profiles: ProfileWriter
    deletions: Deletions
    exports: Exports
    models: Models
    keys: Keys
    operations: Operations
    postgres: PostgresGate
    probes: dict[str, Probe]
    identities: Identities
    rates: Rates
    tokens: Tokens
    door: Door
    tracing: Tracing = NO_TRACING
    close: Callable[[], Awaitable[None]] = _nothing
    on_crash: Callable[[], None] = field(default=end_process)
