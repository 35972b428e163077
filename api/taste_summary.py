"""What a listener's live row says about their taste, in words that people use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from api.listener_schemas import AudioMean, Era, Shared, TasteShown
from api.listener_states import preferences
from segue.catalogue import Track
from segue.ids import TrackNo
from segue.recommending.facts import FEATURES
from segue.stores.redis.rows import ListenerRow
from segue.taste import TasteWeights

DIGITS = 4


@dataclass(frozen=True)
class _Liked:
    track: Track
    weight: float


def taste_of(
    row: ListenerRow, named: Callable[[TrackNo], Track | None], now_s: float, weights: TasteWeights, top: int
) -> TasteShown:
    """Shares of the listener's positive preference of this moment, the `top` largest of each kind.

    A track's preference goes in full to each of its genres and artists, divided by their number, so that shares add up to 1 over
    all. Tracks that the catalogue does not name count in the totals only.
    """
    now = preferences(row, now_s, weights)
    known = [(named(TrackNo(number)), float(weight)) for number, weight in zip(row.track_nos.tolist(), now, strict=True)]
    liked = [_Liked(track, weight) for track, weight in known if track is not None and weight > 0]
    cells = row.cells
    return TasteShown(
        tracks=len(row.track_nos),
        plays=int(cells["plays"].sum()),
        skips=int(cells["skips"].sum()),
        liked=int((cells["stance"] > 0).sum()),
        disliked=int((cells["stance"] < 0).sum()),
        genres=_shares(((one.track.genres, one.weight) for one in liked), top),
        artists=_shares(((one.track.artists, one.weight) for one in liked), top),
        moods=_shares((((one.track.mood,) if one.track.mood else (), one.weight) for one in liked), top),
        eras=tuple(Era(int(one.name), one.share) for one in _shares(((_decade(one.track), one.weight) for one in liked), top)),
        audio=_audio(liked),
    )


def _shares(named: Iterable[tuple[Sequence[str], float]], top: int) -> tuple[Shared, ...]:
    sums: dict[str, float] = defaultdict(float)
    for names, weight in named:
        for name in names:
            sums[name] += weight / len(names)
    total = sum(sums.values())
    best = sorted(sums, key=lambda name: (-sums[name], name))[:top]
    return tuple(Shared(name, round(sums[name] / total, DIGITS)) for name in best)


def _decade(track: Track) -> tuple[str, ...]:
    return () if track.year is None else (str(track.year // 10 * 10),)


def _audio(liked: Sequence[_Liked]) -> Mapping[str, AudioMean]:
    sounds = [(msgspec.structs.asdict(one.track.features), one.weight) for one in liked if one.track.features is not None]
    total = sum(weight for _, weight in sounds)
    return {name: _mean([(sound[name], weight) for sound, weight in sounds], total) for name in FEATURES} if sounds else {}


def _mean(values: Sequence[tuple[float, float]], total: float) -> AudioMean:
    mean = sum(value * weight for value, weight in values) / total
    variance = sum(weight * (value - mean) ** 2 for value, weight in values) / total
    return AudioMean(round(mean, DIGITS), round(variance**0.5, DIGITS))
