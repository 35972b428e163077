"""Where a catalogue file comes from: a path, a URL, or the public TidyTuesday table at a fixed commit."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from segue.errors import InvalidCatalogue, InvalidInput, Unavailable
from segue.logs import fields

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

TIDYTUESDAY_COMMIT = "2c423bacc57e4632ff8550557e0bc823eefa31ab"
TIDYTUESDAY_URL = (
    f"https://raw.githubusercontent.com/rfordatascience/tidytuesday/{TIDYTUESDAY_COMMIT}/data/2020/2020-01-21/spotify_songs.csv"
)
TIDYTUESDAY_SHA256 = "9902920cfe4940f0914ebb6716801a42f7f19ac88fbd6693eaae7e2822b16845"
"""Of the uncompressed CSV: a header and 32,833 rows, 7,971,379 bytes."""

TIMEOUT_S = 30.0


def locate(source: str, cache_dir: Path) -> Path:
    """The local file of a path, a file:// URL or an http(s) URL, which is downloaded into `cache_dir` each time.

    Raises Unavailable when a download fails, InvalidInput for another kind of URL.
    """
    url = urlsplit(source)
    if url.scheme in {"http", "https"}:
        return _download(source, cache_dir)
    if url.scheme == "file":
        return Path(unquote(url.path))
    if "://" in source:
        raise InvalidInput(
            f"{url.scheme}:// is not supported: give a path, or a URL of http://, https:// or file://", "invalid_url"
        )
    return Path(source).expanduser()


def tidytuesday(cache_dir: Path) -> Path:
    """The public table, downloaded once and checked. Raises Unavailable, or InvalidCatalogue when the checksum differs."""
    return _retrieve(TIDYTUESDAY_URL, cache_dir, "spotify_songs.csv", TIDYTUESDAY_SHA256)


def _download(url: str, cache_dir: Path) -> Path:
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.csv"
    # What stands behind a URL without a checksum may change: an earlier copy is never taken for it.
    (cache_dir / name).unlink(missing_ok=True)
    return _retrieve(url, cache_dir, name, None)


def _retrieve(url: str, cache_dir: Path, name: str, sha256: str | None) -> Path:
    # A third of a second of CPU, which a file that is there already does not need.
    import pooch
    import requests

    log.info("fetching catalogue", extra=fields(url=_public(url), cache=cache_dir / name))
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT_S, progressbar=False)
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        found = pooch.retrieve(url, f"sha256:{sha256}" if sha256 else None, name, cache_dir, downloader=downloader)
    except requests.RequestException as error:
        raise Unavailable(f"{_public(url)} cannot be downloaded: {_reason(error)}") from error
    except ValueError as error:
        raise InvalidCatalogue(f"{_public(url)} is not the file that was expected: {error}", "checksum") from error
    except OSError as error:
        raise InvalidCatalogue(f"{cache_dir} cannot hold the download: {error}", "unwritable") from error
    return Path(found)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        error.response.close()  # pooch streams and leaves an error's response open
        return f"the server answers {error.response.status_code} {error.response.reason}: check the URL"
    return f"{type(error).__name__}: check the network, or give the path of a file"


def _public(url: str) -> str:
    """The URL without a password or a signed query, which must not get into logs."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
