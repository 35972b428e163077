"""Which tracks the songs of a history are: those of the catalogue, or new ones, with the ids that the API would give them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from producers.ingestion.songs import Songs
from segue.catalogue import Track, folded_words
from segue.songs import DERIVED, Song, best_version

REMEMBERED = 50_000
"""Songs whose tracks are known; of others the catalogue is asked again."""

Named: TypeAlias = tuple[Song, str | None]
"""A song, and its track id where the service said it."""
Key: TypeAlias = tuple[str, str | None]
"""What tells it apart: `Song.told`, and the track id."""


class Identifying:
    """Asks the catalogue once for each page, for the songs that are not known yet."""

    def __init__(self, songs: Songs) -> None:
        self._songs = songs
        self._known: OrderedDict[Key, tuple[str, bool]] = OrderedDict()

    def identify(self, named: Sequence[Named]) -> dict[Named, tuple[str, bool]]:
        """For each song its track id, and whether the catalogue has it. Raises Unavailable."""
        keys = {one: key_of(*one) for one in named}
        found = self.identify_by_key({key: one for one, key in keys.items()})
        return {one: found[key] for one, key in keys.items()}

    def identify_by_key(self, named: Mapping[Key, Named]) -> dict[Key, tuple[str, bool]]:
        """As `identify`, for pages of thousands: keys are cheaper to look up than songs. Raises Unavailable."""
        unknown = {key: one for key, one in named.items() if key not in self._known}
        if unknown:
            self._ask(unknown)
        found = {key: self._known[key] for key in named}
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _ask(self, unknown: Mapping[Key, Named]) -> None:
        track_ids = {track_id for song, said in unknown.values() for track_id in (said, *song.ids) if track_id}
        keys = {key for song, _ in unknown.values() if song.title for key in song.keys}
        tracks = self._songs.find(sorted(track_ids), sorted(keys))
        by_id = {track.track_id: track for track in tracks}
        by_key = defaultdict(list)
        for track in tracks:
            by_key[track.song_key].append(track)
        for key, (song, said) in unknown.items():
            versions = [track for name in song.keys for track in by_key.get(name, ())] if song.title else []
            there = _found(song, said, by_id, versions)
            self._known[key] = (there.track_id, True) if there else (new_id(song, said), False)


def key_of(song: Song, said: str | None) -> Key:
    """What tells a song and its track id apart from others."""
    return song.told, said


def new_id(song: Song, said: str | None) -> str:
    """The id of a song that the catalogue lacks."""
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
