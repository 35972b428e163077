"""What Spotify lets an application do, as far as it has shown: no date and no documentation says it for sure."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import msgspec

from producers.spotify.private_files import read_private, write_private

SMALL_LIMIT = 10
"""Results at once of a restricted application's searches and lists of albums."""
LARGE_LIMIT = 50


class Capabilities(msgspec.Struct, frozen=True, omit_defaults=True):
    """None: not known yet, so it is tried; what Spotify refuses is noted and not asked again until `segue ingest doctor`."""

    batch: bool | None = None
    """Several ids in one request."""
    large_limit: bool | None = None
    """More than SMALL_LIMIT results of a search or of an artist's albums at once."""
    playlist_tracks: bool | None = None
    """The old road to playlists' contents, which leads to others' too."""
    features: bool | None = None
    """Audio features."""
    popularity: bool | None = None
    """Popularity of tracks."""

    @property
    def limit(self) -> int:
        """Results to ask for at once."""
        return SMALL_LIMIT if self.large_limit is False else LARGE_LIMIT


class KnownCapabilities:
    """The capabilities of one login, remembered in a file."""

    def __init__(self, folder: Path, account: str) -> None:
        self._path, self._key = folder / "capabilities.json", blake2b(account.encode(), digest_size=8).hexdigest()
        self.now = self._read().get(self._key, Capabilities())

    def learn(self, **found: bool) -> None:
        """Note what an answer has shown."""
        self.now = msgspec.structs.replace(self.now, **found)
        write_private(self._path, msgspec.json.encode(self._read() | {self._key: self.now}))

    def _read(self) -> dict[str, Capabilities]:
        raw = read_private(self._path)
        try:
            return {} if raw is None else msgspec.json.decode(raw, type=dict[str, Capabilities])
        except msgspec.MsgspecError:
            # Nothing is lost: what is not known is asked again.
            return {}
