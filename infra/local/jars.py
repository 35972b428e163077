"""Kafka's jars: fetched once from Maven Central, checked against `jars.sha256`, shared by all clones of one user.

The checked-in list is the resolved dependency tree of `org.apache.kafka:kafka_2.13:4.1.2` plus `log4j-slf4j-impl:2.25.3`
(without a binding Kafka logs nothing), as paths inside a Maven repository. A jar gets its final name once its checksum was right.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from infra.local.state import Lock, write_private
from segue.errors import ConfigurationError, Unavailable

log = logging.getLogger(__name__)

LIST = Path(__file__).with_name("jars.sha256")
PARALLEL_DOWNLOADS = 6
ATTEMPTS = 3
TIMEOUT_S = 30
CHUNK_BYTES = 1 << 16

Fetch = Callable[[PurePosixPath, Path], Path]
"""Downloads one jar (path inside a Maven repository) below a folder and returns the file. Raises Unavailable."""


class JarsUnavailable(Unavailable):
    """A jar is neither cached nor can it be fetched now."""

    service = "maven"


@dataclass(frozen=True)
class Jar:
    """One jar: its path inside a Maven repository and the sha256 of its content in hex."""

    path: PurePosixPath
    sha256: str


def listed_jars(source: Path = LIST) -> list[Jar]:
    """The checked-in list, in class path order."""
    rows = (line.split() for line in source.read_text().splitlines() if line.strip())
    return [Jar(PurePosixPath(path), sha256) for sha256, path in rows]


def fingerprint(jars: Iterable[Jar]) -> str:
    """A short name for exactly this set of jars."""
    return hashlib.sha256("".join(jar.sha256 for jar in jars).encode()).hexdigest()[:16]


class JarCache:
    """Verified jars below one folder. `report` gets one line for each thing that takes time."""

    def __init__(self, folder: Path, jars: list[Jar], fetch: Fetch, report: Callable[[str], None] = log.info) -> None:
        self.folder = folder
        self.jars = jars
        self._fetch = fetch
        self._report = report
        self._memory = folder / "verified.json"

    def class_path(self) -> list[Path]:
        """All jars, verified; missing or damaged ones are fetched. Raises JarsUnavailable that says what to do."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.wrong():
            self._replace_wrong()
        return [self.folder / jar.path for jar in self.jars]

    def wrong(self) -> list[Jar]:
        """Jars that are missing or differ from the list. A file is read again only when its size or time has changed."""
        known = self._remembered()
        seen: dict[str, list[int | str]] = {}
        wrong = []
        for jar in self.jars:
            mark = self._mark(jar)
            if mark and (known.get(str(jar.path)) == mark or self._matches(jar)):
                seen[str(jar.path)] = mark
            else:
                wrong.append(jar)
        if seen != known and self.folder.exists():
            write_private(self._memory, json.dumps(seen))
        return wrong

    def _remembered(self) -> dict[str, list[int | str]]:
        try:
            return dict(json.loads(self._memory.read_text()))
        except (OSError, ValueError):
            return {}

    def _mark(self, jar: Jar) -> list[int | str] | None:
        try:
            found = (self.folder / jar.path).stat()
        except OSError:
            return None
        return [found.st_size, found.st_mtime_ns, jar.sha256]

    def _matches(self, jar: Jar) -> bool:
        if sha256_of(self.folder / jar.path) == jar.sha256:
            return True
        self._report(f"{jar.path.name} is damaged: removing and fetching it again")
        (self.folder / jar.path).unlink(missing_ok=True)
        return False

    def _replace_wrong(self) -> None:
        lock = Lock(self.folder / ".lock")
        lock.wait()
        try:
            missing = self.wrong()
            if missing:
                self._report(f"fetching {len(missing)} of Kafka's {len(self.jars)} jars from Maven Central into {self.folder}")
            with (
                tempfile.TemporaryDirectory(dir=self.folder, prefix=".incoming-") as incoming,
                ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool,
            ):
                try:
                    list(pool.map(lambda jar: self._obtain(jar, Path(incoming)), missing))
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
            self.wrong()
        finally:
            lock.release()

    def _obtain(self, jar: Jar, incoming: Path) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            place = incoming / f"{attempt}"
            got = self._fetch(jar.path, place)
            if sha256_of(got) == jar.sha256:
                target = self.folder / jar.path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(got, target)
                return
            self._report(f"{jar.path.name} arrived damaged (attempt {attempt} of {ATTEMPTS})")
        raise JarsUnavailable(
            f"{jar.path.name} does not match its sha256 in {LIST.name} after {ATTEMPTS} downloads: "
            "something between here and Maven Central changes it; check the proxy, then run `segue prepare`"
        )


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class MavenCentral:
    """Downloads jars over a few kept connections; jgo tells where Maven Central is."""

    def __init__(self) -> None:
        self._client: httpx.Client | None = None
        self._first = threading.Lock()

    def fetch(self, path: PurePosixPath, folder: Path) -> Path:
        """One jar, as `Fetch` says. Raises JarsUnavailable; ConfigurationError without jgo."""
        target = folder / path.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with self._connected().stream("GET", str(path)) as response, target.open("wb") as file:
                response.raise_for_status()
                for chunk in response.iter_bytes(CHUNK_BYTES):
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise JarsUnavailable(
                f"{path.name} cannot be fetched from Maven Central ({type(error).__name__}: {error}): connect to the "
                "network once and run `segue prepare`, or set SEGUE_KAFKA_BOOTSTRAP to a broker that runs already"
            ) from error
        return target

    def _connected(self) -> httpx.Client:
        with self._first:
            if self._client is None:
                transport = httpx.HTTPTransport(retries=ATTEMPTS)
                self._client = httpx.Client(
                    base_url=_maven_central_url(), timeout=TIMEOUT_S, follow_redirects=True, transport=transport
                )
            return self._client


def _maven_central_url() -> str:
    try:
        from jgo.constants import MAVEN_CENTRAL_URL
    except ImportError as error:
        raise ConfigurationError(
            "jgo is not installed: `pip install 'segue[local]'`, or set SEGUE_KAFKA_BOOTSTRAP to a broker that runs already"
        ) from error
    return str(MAVEN_CENTRAL_URL)


def kafka_jars(cache: Path, report: Callable[[str], None] = log.info) -> JarCache:
    """The cache of the jars that Kafka needs, below the user's cache folder."""
    return JarCache(cache / "jars", listed_jars(), MavenCentral().fetch, report)
