"""Rows as listens. A listen that names its song, not its track, has the id that the door for players would give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from producers.ingestion.contract import Item, Skipped
from producers.sources.histories.identifying import Identifying, Named
from producers.sources.tables.times import TimeForm
from producers.sources.tables.values import BrokenRow, number_of, text_of, texts_of, truth_of, whole_of
from segue.events import EARLIEST, MAX_CLOCK_SKEW, MAX_MS_PLAYED, ListeningEvent
from segue.ids import uuid7_of
from segue.songs import Song, learned_track, listen_id, spotify_id_in

SOURCE = "table"
REMEMBERED = 50_000
"""Songs whose names are not taken apart again, and new tracks that are not published again."""


class Heard(NamedTuple):
    """One row, before its track is known."""

    user_id: str
    named: Named
    at: datetime
    ms_played: int | None
    skipped: bool


class ListenRows:
    """`columns`: {field: column}; rows are values in their order. `now`: with a zone."""

    def __init__(
        self, columns: Mapping[str, str], form: TimeForm, listener: str | None, identifying: Identifying, now: datetime
    ) -> None:
        self._columns, self._at = columns, {field: place for place, field in enumerate(columns)}
        self._form, self._listener, self._identifying, self._latest = form, listener, identifying, now + MAX_CLOCK_SKEW
        self._named: dict[tuple[Any, ...], Named] = {}
        self._made: dict[str, None] = {}
        self._song_at = [self._at.get(field, -1) for field in ("track", "artist", "album", "track_id", "mbid", "duration_ms")]

    def read(self, values: Sequence[Any]) -> Heard:
        """Raises BrokenRow."""
        cells = [*values, None]
        user_id = self._listener or text_of(self._cell(cells, "listener"), "listener")
        if not user_id:
            raise BrokenRow("no_listener", f"{self._columns['listener']} is empty: nobody heard it")
        ms = whole_of(self._cell(cells, "ms_played"), "ms_played", MAX_MS_PLAYED)
        if ms is None:
            seconds = number_of(self._cell(cells, "s_played"), "s_played", MAX_MS_PLAYED / 1_000)
            ms = None if seconds is None else round(seconds * 1_000)
        skipped = truth_of(self._cell(cells, "skipped"), "skipped") or False
        return Heard(user_id, self._song(cells), self._time(cells), ms, skipped)

    def items(self, heard: Sequence[Heard]) -> tuple[list[Item], list[Skipped]]:
        """The new tracks and the listens of a page, and what is there twice. Raises Unavailable."""
        tracks = self._identifying.identify([one.named for one in heard])
        items: list[Item] = []
        for named, (track_id, known) in tracks.items():
            if not known and named[0].title and track_id not in self._made:
                self._made[track_id] = None
                items.append(learned_track(track_id, named[0], SOURCE))
        events = {event.event_id: event for event in (_event(one, tracks[one.named][0]) for one in heard)}
        _keep_last(self._made)
        _keep_last(self._named)
        return [*items, *events.values()], [Skipped("duplicate")] * (len(heard) - len(events))

    def _cell(self, cells: Sequence[Any], field: str) -> Any:
        return cells[self._at.get(field, -1)]

    def _time(self, cells: Sequence[Any]) -> datetime:
        value = self._cell(cells, "time")
        if value in (None, ""):
            raise BrokenRow("no_time", f"{self._columns['time']} is empty: when was it heard?")
        try:
            time = self._form.read(value)
        except (ValueError, OverflowError):
            raise BrokenRow("bad_time", f"{self._columns['time']} is no time ({self._form}): {str(value)[:40]!r}") from None
        if not EARLIEST <= time <= self._latest:
            raise BrokenRow("bad_time", f"{self._columns['time']} lies before 2000 or in the future: {time.isoformat()}")
        return time

    def _song(self, cells: Sequence[Any]) -> Named:
        """Most rows name a song that was named before: taking its name apart is what costs."""
        said = tuple(cells[place] for place in self._song_at)
        try:
            return self._named[said]
        except KeyError:
            named = self._named[said] = _named(*said)
            return named
        except TypeError:  # a list of artists
            return _named(*said)


def _named(track: Any, artist: Any, album: Any, track_id: Any, mbid: Any, duration_ms: Any) -> Named:
    title, artists, said = text_of(track, "track"), texts_of(artist, "artist"), text_of(track_id, "track_id")
    if not said and not (title and artists):
        raise BrokenRow("no_title" if not title else "no_artist", "says neither a track's id nor its title and artist")
    duration = whole_of(duration_ms, "duration_ms", MAX_MS_PLAYED) or None
    song = Song(
        title or "", ", ".join(artists), artists if len(artists) > 1 else (), text_of(album, "album"), text_of(mbid, "mbid"),
        duration_ms=duration,
    )  # fmt: skip
    return song if artists else Song("", ""), (spotify_id_in(said) or said) if said else None


def _event(heard: Heard, track_id: str) -> ListeningEvent:
    song, said = heard.named
    ms = int(heard.at.timestamp() * 1_000)
    event_id = uuid7_of(ms, heard.user_id, str(ms), said) if said else listen_id(heard.user_id, ms // 1_000, song)
    return ListeningEvent(
        event_id=event_id, type="skip" if heard.skipped else "play", user_id=heard.user_id, track_id=track_id,
        occurred_at=heard.at, ms_played=heard.ms_played, source=SOURCE,
    )  # fmt: skip


def _keep_last(remembered: dict[Any, Any]) -> None:
    for key in list(remembered)[: max(0, len(remembered) - REMEMBERED)]:
        del remembered[key]
