"""`python -m benchmarks answers`: what the questions of `benchmarks.asked` are answered, and what has changed since another run.

A faster way to the same answers is proved by it: run it with `--json` before, with `--against` after. Answers are the same when
tracks, order, reasons, sources, notes and propensities are, and every score and part is within TOLERANCE (of its own size, if
above 1). A track whose score another one has within TOLERANCE may change places with it: that is told apart as a tie.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.asked import questions, recommenders
from segue.recommending.answer import Answer

SIZES = ((30_000, 64), (4_000, 32))
TOLERANCE = 1e-4

Told = dict[str, Any]


def answers(json_path: Path | None = None, against: Path | None = None) -> dict[str, list[str]]:
    """Ask, write and compare; the names of the questions whose answers differ, by how they do."""
    told = {
        f"{n_tracks} {state} {name}": _told(ask())
        for n_tracks, factors in SIZES
        for state, made, recommender in recommenders(n_tracks, factors)
        for name, ask in questions(made, recommender)
    }
    if json_path is not None:
        json_path.write_text(json.dumps(told))
    return differences(json.loads(against.read_text()), json.loads(json.dumps(told))) if against else {}


def differences(before: dict[str, Told], after: dict[str, Told]) -> dict[str, list[str]]:
    """Names of the questions by what differs; a question that only one side has is `missing`."""
    found: dict[str, list[str]] = {}
    for name in sorted(before.keys() | after.keys()):
        how = _difference(before[name], after[name]) if name in before and name in after else "missing"
        if how:
            found.setdefault(how, []).append(name)
    return found


def _told(answer: Answer) -> Told:
    return {"items": [asdict(item) for item in answer.items], "notes": [asdict(note) for note in answer.notes]}


def _difference(before: Told, after: Told) -> str:
    if before["notes"] != after["notes"] or len(before["items"]) != len(after["items"]):
        return "notes or length"
    pairs = list(zip(before["items"], after["items"], strict=True))
    if any(old["track_no"] != new["track_no"] for old, new in pairs):
        return "tie" if all(_near(old["score"], new["score"]) for old, new in pairs) else "tracks"
    return next((how for old, new in pairs if (how := _of_items(old, new))), "")


def _of_items(old: Told, new: Told) -> str:
    for name in ("reason", "sources", "propensity"):
        if old[name] != new[name]:
            return name
    if old["parts"].keys() != new["parts"].keys():
        return "names of parts"
    near = all(_near(old["parts"][name], new["parts"][name]) for name in old["parts"])
    return "" if near and _near(old["score"], new["score"]) else "scores"


def _near(old: float, new: float) -> bool:
    return abs(old - new) <= TOLERANCE * max(1.0, abs(old))
