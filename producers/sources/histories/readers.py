"""Which reader reads which shape of file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from producers.sources.histories.kinds import Kind, Shape
from producers.sources.histories.lastfm import MINUTES_HEAD, ScrobbleReader
from producers.sources.histories.listenbrainz import FeedbackReader, ListensReader, Recordings
from producers.sources.histories.rows import File, Row
from producers.sources.histories.spotify_basic import BasicReader
from producers.sources.histories.spotify_extended import ExtendedReader
from producers.sources.histories.spotify_library import LibraryReader, PlaylistReader


class Readers:
    """The readers of one listener's history; what one file says may matter for a later one."""

    def __init__(self, listener: str) -> None:
        self._recordings = Recordings()
        self._feedback = FeedbackReader(listener, self._recordings)
        listens, scrobbles = ListensReader(listener, self._recordings), ScrobbleReader(listener)
        self._scrobbles = scrobbles
        self._by_shape: dict[Shape, Callable[[File], Iterator[Row]]] = {
            "spotify-extended": ExtendedReader(listener).read,
            "spotify-basic": BasicReader(listener).read,
            "spotify-library": LibraryReader(listener).read,
            "spotify-playlists": PlaylistReader(listener).read,
            "listenbrainz-listens": listens.read,
            "listenbrainz-array": listens.read_array,
            "listenbrainz-feedback": self._feedback.read,
            "lastfm-table": scrobbles.read_table,
            "lastfm-headless": partial(scrobbles.read_table, head=MINUTES_HEAD),
            "lastfm-scrobbles": scrobbles.read_scrobbles,
        }

    def read(self, kind: Kind, file: File) -> Iterator[Row]:
        """What each row of a file says. Raises InvalidFile where it cannot be read further."""
        if kind.shape == "lastfm-api":
            return self._scrobbles.read_api(file, kind.prefix)
        return self._by_shape[kind.shape](file)

    def want_recordings(self, file: File) -> None:
        """Remember the songs of the recordings that a feedback file is about. Raises InvalidFile."""
        self._recordings.want(set(self._feedback.wanted(file)))
