"""The shapes of `/admin`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from api.questions import Id
from api.schemas import DependencyShown, State
from segue.api_keys import MAX_NAME, SCOPES, KeyShown, Scope
from segue.dead_letters import Letter
from segue.events import Time


class KeyQuestion(BaseModel):
    """What a new key is called and may do."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=MAX_NAME, description="Who uses it: shown in lists, not secret.")
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES))
    listener: Id | None = Field(None, description="Opens this listener's own data only; without it, every listener's.")
    expires: str | None = Field(None, description="`90d`, `12h` or a time with its zone; never without it.", max_length=40)


class StatusAnswer(msgspec.Struct, frozen=True):
    """One API process and what stands behind it. `lag`: records of each topic that the processors have not acknowledged; null
    while Kafka does not answer. `queued`: records that this process holds until Kafka acknowledges them.
    """

    version: str
    started_at: Time
    queued: int
    lag: Mapping[str, int] | None
    status: State
    degraded: tuple[str, ...]
    dependencies: Mapping[str, DependencyShown]


class LetterShown(msgspec.Struct, frozen=True):
    """A record that could not be processed; `cut_from`: its bytes, where the letter keeps only its beginning."""

    id: str
    topic: str
    error: str
    message: str
    first_seen: Time
    cut_from: int | None

    @classmethod
    def of(cls, letter: Letter) -> Self:
        """As the log has it."""
        first_seen = datetime.fromtimestamp(letter.first_seen_s, UTC)
        return cls(letter.id, letter.topic, letter.error, letter.message, first_seen, letter.cut_from)


class LettersAnswer(msgspec.Struct, frozen=True):
    """Dead letters, newest first."""

    items: tuple[LetterShown, ...]


class KeysAnswer(msgspec.Struct, frozen=True):
    """Keys, newest first."""

    items: tuple[KeyShown, ...]


class KeyMade(msgspec.Struct, frozen=True):
    """A new key; `key` is shown this once."""

    key: str
    prefix: str
    name: str
    scopes: tuple[Scope, ...]
    expires_at: Time | None


ANSWERS = (StatusAnswer, LettersAnswer, KeysAnswer, KeyShown, KeyMade)
QUESTIONS = (KeyQuestion,)
