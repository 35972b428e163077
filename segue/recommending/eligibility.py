"""Which tracks may stand in an answer, and, when none may, which of the conditions took the last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from segue.models.contract import Columns
from segue.recommending.facts import Facts, Mask

NoteCode = Literal[
    "empty_catalogue", "filters_match_nothing", "everything_heard", "everything_excluded", "fewer_than_asked",
    "per_artist_relaxed", "per_album_relaxed", "unknown_tracks", "unknown_sound",
]  # fmt: skip

HEARD_FIELD = "heard_days"
LENGTH_FIELD = "duration_ms"


@dataclass(frozen=True)
class Note:
    """Something that the reader of an answer should know: a stable code, English text, the request fields that it is about."""

    code: NoteCode
    text: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """One reason to leave tracks out. `fields`: the request's fields; `text` says what it asks for.

    `keeps`: the mask of what it lets pass or, as columns, the few that it hides.
    """

    fields: tuple[str, ...]
    text: str
    keeps: Mask | None = None
    hides: Columns | None = None

    def narrow(self, mask: Mask) -> None:
        """Take out of `mask` what does not meet the condition."""
        if self.keeps is not None:
            mask &= self.keeps
        if self.hides is not None:
            mask[self.hides] = False


@dataclass(frozen=True)
class Eligibility:
    """`mask`: which columns may be shown; `conditions` are behind it."""

    mask: Mask
    conditions: tuple[Condition, ...]
    facts: Facts

    @classmethod
    def under(cls, facts: Facts, conditions: Iterable[Condition]) -> Eligibility:
        """The columns that are shown at all and meet every condition."""
        kept = tuple(conditions)
        return cls(_meeting(facts, kept), kept, facts)

    def why_empty(self) -> Note:
        """Why no track is left; to be asked only then.

        Named are the conditions without any one of which something would pass; if none alone is to blame, those that let nothing
        pass by themselves; else all.
        """
        if not self.facts.shown.any():
            return Note("empty_catalogue", "The catalogue has no track that may be shown")
        alone = [own for own in self.conditions if self._passes([c for c in self.conditions if c is not own])]
        guilty = alone or [own for own in self.conditions if not self._passes([own])] or self.conditions
        return _empty_note(guilty)

    def _passes(self, conditions: Sequence[Condition]) -> bool:
        return bool(_meeting(self.facts, conditions).any())


def _meeting(facts: Facts, conditions: Iterable[Condition]) -> Mask:
    mask = facts.shown.copy()
    for condition in conditions:
        condition.narrow(mask)
    return mask


def _empty_note(guilty: Sequence[Condition]) -> Note:
    fields = tuple(dict.fromkeys(field for condition in guilty for field in condition.fields))
    wanted = "; ".join(condition.text for condition in guilty)
    if any(field.startswith("filters.") for field in fields):
        return Note("filters_match_nothing", f"No track is left under: {wanted}", fields)
    if HEARD_FIELD in fields:
        text = "Every track that could be shown has been heard: a smaller heard_days lets older ones return, 0 all of them"
        return Note("everything_heard", text, fields)
    return Note("everything_excluded", f"No track is left under: {wanted}", fields)
