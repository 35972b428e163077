"""What the resources are given; built from Settings in `api.bootstrap`, from fakes in the tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from api.answers import Answers
from api.background import end_process
from api.event_publisher import EventPublisher
from api.gates import PostgresGate
from api.listener_states import ListenerStates
from api.live_catalogue import LiveCatalogue
from api.live_model import LiveModel
from api.metrics import Metrics
from api.search.live_search import LiveSearch
from segue.settings import Settings
from segue.taste import TasteWeights

Probe = Callable[[], Awaitable[None]]


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
    answers: Answers
    events: EventPublisher
    search: LiveSearch
    postgres: PostgresGate
    probes: dict[str, Probe]
    close: Callable[[], Awaitable[None]] = _nothing
    on_crash: Callable[[], None] = field(default=end_process)
