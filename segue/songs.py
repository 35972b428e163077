"""Songs as players and histories name them, and which track of a catalogue each is.

See docs/decisions/0019-listens-of-unknown-tracks.md.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import blake2b

from segue.catalogue import Track, folded_words, song_key
from segue.events import CatalogueTrack
from segue.ids import uuid7_of

DERIVED = "lb:"
"""Begins the ids of tracks that were learned from listens."""

_SPOTIFY_ID = re.compile(r"(?:^|track[/:])([0-9A-Za-z]{22})(?:$|[?#])")
_GUEST = re.compile(r"\s+(?:feat\.?|ft\.?|featuring|with|and|x|vs\.?)\s+|\s*[,;&/+]\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Song:
    """A song as it is named: `artist` as it is written, `artists` one by one where they are known."""

    title: str
    artist: str
    artists: tuple[str, ...] = ()
    album: str | None = None
    recording_mbid: str | None = None
    spotify_id: str | None = None
    duration_ms: int | None = None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Normalised artist|title, the likeliest first: as written, then the first artist alone. Without words there is none."""
        names = dict.fromkeys([self.artist, *self.artists[:1], _GUEST.split(self.artist)[0]])
        made = (song_key(self.title, (name,)) for name in names)
        return tuple(key for key in made if all(key.split("|")))

    @cached_property
    def key(self) -> str:
        """What it is told apart by: the likeliest key."""
        as_written = song_key(self.title, (self.artist,))
        if all(as_written.split("|")):
            return as_written
        return self.keys[0] if self.keys else f"{self.artist.casefold()}|{self.title.casefold()}"

    @property
    def ids(self) -> tuple[str, ...]:
        """The track ids that are this song whatever it is called, the likeliest first."""
        mbid = self.recording_mbid
        return tuple(one for one in (self.spotify_id, mbid, mbid and DERIVED + mbid) if one)

    @cached_property
    def derived_id(self) -> str:
        """Its id where the catalogue lacks it: the same for everybody who names it alike."""
        return DERIVED + (self.recording_mbid or blake2b(self.key.encode(), digest_size=16).hexdigest())

    @cached_property
    def told(self) -> str:
        """All that tells which song it is, as one text: a dictionary's key that need not be hashed again each time."""
        return "\0".join(
            [self.title, self.artist, *self.artists, self.album or "", self.recording_mbid or "", self.spotify_id or ""]
        )


def learned_track(track_id: str, song: Song, source: str) -> CatalogueTrack:
    """What is known of a song that the catalogue lacks."""
    return CatalogueTrack(
        track_id=track_id, name=song.title, artists=song.artists or (song.artist,), album=song.album,
        duration_ms=song.duration_ms, source=source,
    )  # fmt: skip


def listen_id(user_id: str, listened_at_s: int, song: Song) -> uuid.UUID:
    """The event id of a listen that is told by its second and its names, by whatever road it comes.

    It is made of what was said, not of the track that the song was found to be: that may be another the next time.
    """
    return uuid7_of(listened_at_s * 1_000, user_id, str(listened_at_s), song.key)


def best_version(song: Song, versions: Sequence[Track]) -> Track | None:
    """Of the tracks with one of the song's keys, the one that it is: by the likeliest key; None if no key is theirs.

    The same title comes before another version of it, then the same album, then what is better known.
    """
    for key in song.keys:
        of_key = [track for track in versions if track.song_key == key]
        if of_key:
            return max(of_key, key=partial(_likeness, song))
    return None


def spotify_id_in(text: str | None) -> str | None:
    """The track id of a Spotify URL, URI or of an id alone; None for what is neither."""
    found = _SPOTIFY_ID.search(text or "")
    return found.group(1) if found else None


def _likeness(song: Song, track: Track) -> tuple[bool, bool, int, int]:
    same_album = song.album is not None and track.album is not None and folded_words(song.album) == folded_words(track.album)
    return folded_words(song.title) == folded_words(track.name), same_album, track.popularity or 0, -track.track_no
