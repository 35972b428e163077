"""Which tracks the songs of a history are: those of the catalogue, or new ones, with the ids that the API would give them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from segue.catalogue import Track, folded_words
from segue.songs import DERIVED, Song, best_version

REMEMBERED = 50_000
"""Songs whose tracks are known; of others the catalogue is asked again."""

Named: TypeAlias = tuple[Song, str | None]
"""A song, and its track id where the service said it."""


class Songs(Protocol):
    """The catalogue; `segue.stores.postgres.songs.SongStore` is one."""

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        """The tracks with one of these ids or song keys. Raises Unavailable."""


class EmptyCatalogue:
    """Where there is no Postgres to ask: every song is new."""

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:  # noqa: ARG002 - as Songs has it
        """None."""
        return []


class Identifying:
    """Asks the catalogue once for each page, for the songs that are not known yet."""

    def __init__(self, songs: Songs) -> None:
        self._songs = songs
        self._known: OrderedDict[Named, tuple[str, bool]] = OrderedDict()

    def identify(self, named: Sequence[Named]) -> dict[Named, tuple[str, bool]]:
        """For each song its track id, and whether the catalogue has it. Raises Unavailable."""
        wanted = dict.fromkeys(named)
        unknown = [one for one in wanted if one not in self._known]
        if unknown:
            self._ask(unknown)
        found = {one: self._known[one] for one in wanted}
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _ask(self, unknown: Sequence[Named]) -> None:
        track_ids = {track_id for song, said in unknown for track_id in (said, *song.ids) if track_id}
        keys = {key for song, _ in unknown if song.title for key in song.keys}
        tracks = self._songs.find(sorted(track_ids), sorted(keys))
        by_id = {track.track_id: track for track in tracks}
        by_key = defaultdict(list)
        for track in tracks:
            by_key[track.song_key].append(track)
        for one in unknown:
            song, said = one
            versions = [track for key in song.keys for track in by_key.get(key, ())] if song.title else []
            track_found = _found(song, said, by_id, versions)
            self._known[one] = (track_found.track_id, True) if track_found else (new_id(one), False)


def new_id(named: Named) -> str:
    """The id of a song that the catalogue lacks."""
    song, said = named
    return said or song.derived_id


def _found(song: Song, said: str | None, by_id: dict[str, Track], versions: Sequence[Track]) -> Track | None:
    """As the API finds it. A track that the service names is only taken for another where that was learned from its name."""
    for track_id in (said, *song.ids):
        if track_id and (track := by_id.get(track_id)):
            return track
    if said:
        title = folded_words(song.title)
        versions = [one for one in versions if one.track_id.startswith(DERIVED) and folded_words(one.name) == title]
    return best_version(song, versions)
