"""One reading of a history: file by file, each listen once, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np

from producers.ingestion.contract import Item, Page, Rejected, Skipped
from producers.ingestion.songs import Songs
from producers.reading.bounds import Bounds
from producers.reading.members import Member
from producers.reading.streams import Text
from producers.sources.histories.identifying import Identifying, Key, Named, key_of, new_id
from producers.sources.histories.readers import Readers
from producers.sources.histories.recognising import Recognition
from producers.sources.histories.rows import File, Heard, Listed, Row
from producers.sources.histories.seen import Seen
from segue.errors import InvalidEvent, InvalidFile
from segue.events import EARLIEST, MAX_MS_PLAYED, ListeningEvent, PlaylistRecord, check_listening_event
from segue.songs import learned_track

PAGE_ROWS = 4_000
"""Rows of a page; of a playlist, its tracks count."""

_RANDOM_BITS = (1 << 64) - 1

Told: TypeAlias = tuple[str, Row]
"""A row and the name of its file."""


class Run:
    """One reading of a history, from its start."""

    def __init__(self, listener: str, songs: Songs, bounds: Bounds, now: datetime, recognition: Recognition) -> None:
        self._listener, self._bounds, self._now, self._recognition = listener, bounds, now, recognition
        self._source = recognition.name
        self._identifying = Identifying(songs)
        self._events, self._tracks = Seen(), Seen()
        self._file: File | None = None
        self._bytes = 0
        self._readers = Readers(listener)

    def pages(self, done: int) -> Iterator[Page]:
        """The pages after the first `done` rows."""
        number, before = 0, 0
        for page in _paged(self._rows()):
            number += len(page)
            fresh, new = self._note(page)
            taken = self._bytes + (self._file.text.taken if self._file else 0)
            if number > done:
                yield self._page(page, fresh, new, {"rows": number}, taken - before)
            before = taken

    def _rows(self) -> Iterator[Told]:
        """Each row with the name of its file; what is wrong with a file comes where the file would."""
        yield from (("", rejected) for rejected in self._recognition.rejected)
        self._want_recordings()
        for one in self._recognition.files:
            try:
                with closing(Text(one.member.open())) as text:
                    self._file = File(one.member.name, text, self._bounds, self._time_of(one.member))
                    yield from ((one.member.name, row) for row in self._readers.read(one.kind, self._file))
            except InvalidFile as error:
                yield one.member.name, Rejected(error.code, one.member.name, str(error))
            finally:
                self._bytes += self._file.text.taken if self._file else 0
                self._file = None

    def _want_recordings(self) -> None:
        for one in self._recognition.files:
            if one.kind.shape == "listenbrainz-feedback":
                # What is wrong with it is told when it is read for what it says.
                with suppress(InvalidFile), closing(Text(one.member.open())) as text:
                    self._readers.want_recordings(File(one.member.name, text, self._bounds, self._now))

    def _time_of(self, member: Member) -> datetime:
        at = member.modified_at
        return at if at is not None and EARLIEST <= at <= self._now else self._now

    def _note(self, page: list[Told]) -> tuple[list[bool], dict[str, bool]]:
        """For each row whether its event is new, and for each new track id whether it came up for the first time."""
        events = np.array([row.event_id.int & _RANDOM_BITS for _, row in page if isinstance(row, Heard)], np.uint64)
        fresh = iter(self._events.add(events).tolist())
        ids = list(dict.fromkeys(new_id(song, said) for song, said in _named(page)))
        # Python's own hash: it is another in each process, and so are these numbers.
        new = self._tracks.add(np.array([hash(track_id) & _RANDOM_BITS for track_id in ids], np.uint64)).tolist()
        return [not isinstance(row, Heard) or next(fresh) for _, row in page], dict(zip(ids, new, strict=True))

    def _page(self, page: list[Told], fresh: list[bool], new: dict[str, bool], position: dict[str, Any], read: int) -> Page:
        named = {key_of(*one): one for one in _named(page)}
        found = self._identifying.identify_by_key(named)
        rejected: list[Rejected] = []
        skipped: list[Skipped] = []
        items: list[Item] = [
            learned_track(track_id, named[key][0], self._source)
            for key, (track_id, known) in found.items()
            if not known and named[key][0].title and new.pop(new_id(*named[key]), False)
        ]
        for (name, row), is_new in zip(page, fresh, strict=True):
            if isinstance(row, Heard):
                if not is_new:
                    skipped.append(Skipped("duplicate"))
                    continue
                try:
                    items.append(self._event(row, found[key_of(row.song, row.track_id)][0]))
                except InvalidEvent as error:
                    rejected.append(Rejected(error.code, f"{name} row {row.number:,}", str(error)))
            elif isinstance(row, Listed):
                items.append(self._playlist(row, found))
            elif isinstance(row, Rejected):
                rejected.append(row)
            else:
                skipped.append(row)
        return Page(items, rejected, skipped, position, read)

    def _event(self, heard: Heard, track_id: str) -> ListeningEvent:
        """Raises InvalidEvent. The ids were checked where they were read."""
        event = ListeningEvent(
            event_id=heard.event_id, type=heard.type, user_id=self._listener, track_id=track_id, occurred_at=heard.occurred_at,
            ms_played=heard.ms_played, source=self._source,
        )  # fmt: skip
        if not (EARLIEST <= heard.occurred_at <= self._now and 0 <= (heard.ms_played or 0) <= MAX_MS_PLAYED):
            check_listening_event(event, self._now)
        return event

    def _playlist(self, listed: Listed, found: dict[Key, tuple[str, bool]]) -> PlaylistRecord:
        return PlaylistRecord(
            playlist_id=listed.playlist_id, name=listed.name, owner_id=self._listener, source=self._source,
            track_ids=tuple(dict.fromkeys(found[key_of(*named)][0] for named in listed.songs)),
        )  # fmt: skip


def _paged(rows: Iterable[Told]) -> Iterator[list[Told]]:
    page: list[Told] = []
    room = PAGE_ROWS
    for told in rows:
        page.append(told)
        row = told[1]
        room -= len(row.songs) if isinstance(row, Listed) else 1
        if room <= 0:
            yield page
            page, room = [], PAGE_ROWS
    if page:
        yield page


def _named(page: Iterable[Told]) -> Iterator[Named]:
    for _, row in page:
        if isinstance(row, Heard):
            yield row.song, row.track_id
        elif isinstance(row, Listed):
            yield from row.songs
