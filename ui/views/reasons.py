"""Why a track stands where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segue.client.generated.shapes import Item, NoteShown

MODELS = {
    "als": "listeners with the same taste", "co_listening": "what is heard together", "content": "how it sounds and what it is",
    "popularity": "what many hear", "sequence": "what is played next",
}  # fmt: skip
"""What the names of the models mean to people; a name that is not here is shown as it is."""


def why(item: Item) -> Iterator[tuple[str, str]]:
    """Names and values behind one recommendation."""
    yield "Because", item.reason.text
    yield "Found by", ", ".join(dict.fromkeys(MODELS.get(name, name) for name in item.sources)) or "no single model"
    yield "Score", f"{item.score:.3f}"
    if item.propensity is not None and item.propensity < 1:
        yield "Chance", f"this slot had it with probability {item.propensity:.2f}"
    if item.suits:
        yield "Suits", ", ".join(item.suits)


def remarks(notes: Sequence[NoteShown] | None, degraded: Sequence[str]) -> list[str]:
    """What to know about an answer: its notes, and what it had to do without."""
    away = [f"Answered without the {name}: it is away or not there yet." for name in degraded]
    return [note.text if note.text.endswith(".") else f"{note.text}." for note in notes or ()] + away
