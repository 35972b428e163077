"""Model snapshots: immutable directories of plain arrays with a manifest, on any fsspec file system.

A snapshot is visible from the moment its `manifest.json` is: locally the whole directory appears by one rename, on object storage
the manifest is uploaded last. Loading checks size and sha256 of every file and refuses anything else: a truncated upload, a
file that the manifest does not name, another version's file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import fsspec
import msgspec
import numpy as np
import numpy.typing as npt

from segue.errors import CorruptSnapshot, NotFound
from segue.logs import fields
from segue.models.blend import Blend
from segue.models.blend_index import is_indexed, load_index, rebuild_index, save_index
from segue.models.index import IndexReport, UnreadableIndex

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
INDEX = "index"
"""The directory of what is derived from the rest: damage there costs time, not the snapshot."""
FORMAT = 1
"""Version of the directory's layout; a newer one is refused rather than misread."""
DOWNLOADS = 2
"""Tries to get a file whole."""
_BLOCK_BYTES = 1 << 20


class FileSum(msgspec.Struct, frozen=True):
    """Size in bytes and sha256 (hex) of one file."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds and where it comes from.

    `offsets`: the first Kafka offset of each `topic/partition` that was not yet in the data. `metrics` by model; `seconds` by
    stage; `indexes` by part, none in a small catalogue.
    """

    version: str
    created_at: datetime
    code_version: str
    parameters: dict[str, Any] = {}
    metrics: dict[str, dict[str, float]] = {}
    counts: dict[str, int] = {}
    seconds: dict[str, float] = {}
    offsets: dict[str, int] = {}
    indexes: dict[str, IndexReport] = {}
    verdict: str = ""
    files: dict[str, FileSum] = {}
    format: int = FORMAT


@dataclass(frozen=True)
class Snapshot:
    """A loaded snapshot: its models and the track of each of their columns (int32, (n_tracks,))."""

    manifest: Manifest
    blend: Blend
    track_nos: npt.NDArray[np.int32]


def new_version(now: datetime | None = None) -> str:
    """A name that sorts by time: `20261123T190501Z-<6 hex>`; the tail keeps two trainers of one second apart."""
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"


class SnapshotStore:
    """Snapshots under one fsspec URL or local path. Remote ones are copied to `cache`, which processes may share, to be read."""

    def __init__(self, url: str, cache: Path | None = None) -> None:
        self.url = url
        self._local = Path(url.removeprefix("file://")) if urlsplit(url).scheme in {"", "file"} else None
        self._cache = cache or Path(tempfile.gettempdir()) / "segue-snapshots"
        self._system, self._root = fsspec.core.url_to_fs(url)

    def url_of(self, version: str) -> str:
        """Where a version lives."""
        return f"{self.url.rstrip('/')}/{version}"

    def write(self, manifest: Manifest, blend: Blend, track_nos: npt.NDArray[np.int32]) -> Manifest:
        """Store a snapshot and return its manifest with the sums of its files. It is visible whole or not at all."""

        def fill(directory: Path) -> None:
            np.save(directory / "track_nos.npy", track_nos, allow_pickle=False)
            (directory / "blend").mkdir()
            blend.save(directory / "blend")
            save_index(blend, directory / INDEX)

        return self.write_files(manifest, fill)

    def write_files(self, manifest: Manifest, fill: Callable[[Path], None]) -> Manifest:
        """Store whatever `fill` writes into an empty directory."""
        parent = self._local or self._cache
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".writing-", dir=parent))
        try:
            fill(draft)
            complete = msgspec.structs.replace(manifest, files=_sums(draft))
            (draft / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(complete)))
            self._publish(draft, complete)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return complete

    def versions(self) -> list[str]:
        """All complete snapshots, oldest first."""
        # Object storages' file systems remember what they listed.
        self._system.invalidate_cache()
        found = self._system.glob(f"{self._root.rstrip('/')}/*/{MANIFEST}")
        return sorted(name for path in found if not (name := PurePosixPath(path).parent.name).startswith("."))

    def manifest(self, version: str) -> Manifest:
        """The manifest of a version. Raises NotFound, CorruptSnapshot."""
        try:
            content = self._system.cat_file(f"{self._root.rstrip('/')}/{version}/{MANIFEST}")
        except FileNotFoundError:
            raise NotFound(f"no snapshot {version} in {self.url}") from None
        return _decoded(content, version)

    def load(self, version: str) -> Snapshot:
        """The verified models of a version. Raises NotFound, CorruptSnapshot."""
        manifest = self.manifest(version)
        directory, damaged = self._checked(manifest)
        try:
            track_nos = np.load(directory / "track_nos.npy", allow_pickle=False)
            blend = Blend.load(directory / "blend")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorruptSnapshot(f"snapshot {version} is not one that this code reads: {error}; train again") from error
        if blend.n_tracks != len(track_nos):
            raise CorruptSnapshot(f"snapshot {version} has {blend.n_tracks} columns for {len(track_nos)} tracks; train again")
        if "blend/sequence/config.json" not in manifest.files:
            log.warning("snapshot knows no order of listening: train again to have it", extra=fields(version=version))
        _index(blend, directory / INDEX, manifest, damaged)
        return Snapshot(manifest, blend, track_nos)

    def delete(self, version: str) -> None:
        """Remove a version, its manifest first so that nobody starts to read it."""
        root = f"{self._root.rstrip('/')}/{version}"
        if self._system.exists(f"{root}/{MANIFEST}"):
            self._system.rm(f"{root}/{MANIFEST}")
            self._system.rm(root, recursive=True)
        shutil.rmtree(self._cache / version, ignore_errors=True)

    def _publish(self, draft: Path, manifest: Manifest) -> None:
        if self._local is not None:
            draft.chmod(0o755)
            draft.rename(self._local / manifest.version)
            return
        root = f"{self._root.rstrip('/')}/{manifest.version}"
        for name in [*manifest.files, MANIFEST]:
            self._system.put_file(str(draft / name), f"{root}/{name}")

    def _checked(self, manifest: Manifest) -> tuple[Path, list[str]]:
        """Where the files can be read, and which derived ones are damaged. Raises CorruptSnapshot."""
        if self._local is not None:
            directory = self._local / manifest.version
            return directory, _verified(_changed(directory, manifest), manifest)
        directory = self._cache / manifest.version
        directory.mkdir(parents=True, exist_ok=True)
        wrong = _changed(directory, manifest)
        left = _verified([name for name in wrong if not self._mended(directory, name, manifest)], manifest)
        if wrong:
            self._forget_deleted(manifest.version)
        return directory, left

    def _forget_deleted(self, loaded: str) -> None:
        """Versions that the trainer deleted leave the cache of who only reads, or it would grow with every model."""
        kept = {loaded, *self.versions()}
        for path in self._cache.iterdir():
            if not path.name.startswith(".") and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _mended(self, directory: Path, name: str, manifest: Manifest) -> bool:
        """Whether one file of the cache is as it should be by now.

        It takes its name when it is whole, so processes that share a cache may fetch at once, and none finds half of what another
        one left when it was killed.
        """
        if name not in manifest.files:
            (directory / name).unlink(missing_ok=True)
            return True
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=self._cache) as drafts:
            draft = Path(drafts) / "file"
            if not any(self._downloaded(manifest, name, draft) for _ in range(DOWNLOADS)):
                return False
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            draft.replace(directory / name)
        return True

    def _downloaded(self, manifest: Manifest, name: str, draft: Path) -> bool:
        """Whether the file came whole; one that breaks off may come whole the next time."""
        try:
            self._system.get_file(f"{self._root.rstrip('/')}/{manifest.version}/{name}", str(draft))
        except FileNotFoundError:
            return False
        return _sum(draft) == manifest.files[name]


def _decoded(content: bytes, version: str) -> Manifest:
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise CorruptSnapshot(f"snapshot {version}: unreadable manifest: {error}; train again") from error
    if manifest.version != version or manifest.format != FORMAT:
        raise CorruptSnapshot(f"snapshot {version}: the manifest is of {manifest.version}, format {manifest.format}; train again")
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in manifest.files):
        raise CorruptSnapshot(f"snapshot {version}: the manifest names a file outside of it")
    return manifest


def _changed(directory: Path, manifest: Manifest) -> list[str]:
    """The names of files that are missing, foreign or changed."""
    found = _sums(directory)
    return sorted(name for name in found.keys() | manifest.files.keys() if found.get(name) != manifest.files.get(name))


def _verified(changed: list[str], manifest: Manifest) -> list[str]:
    """Those that are derived. Raises CorruptSnapshot when others are among them."""
    if names := [name for name in changed if not _is_derived(name)]:
        raise CorruptSnapshot(
            f"snapshot {manifest.version}: {', '.join(names)} missing, foreign or changed since it was written; "
            "roll back with `segue models rollback` or train again"
        )
    return changed


def _is_derived(name: str) -> bool:
    return PurePosixPath(name).parts[0] == INDEX


def _index(blend: Blend, directory: Path, manifest: Manifest, damaged: list[str]) -> None:
    if not is_indexed(blend):
        return
    try:
        if damaged:
            raise UnreadableIndex(f"{', '.join(damaged)} missing, foreign or changed since the snapshot was written")
        load_index(blend, directory, manifest.indexes)
    except UnreadableIndex as error:
        reports = rebuild_index(blend, manifest.indexes)
        seconds = sum(report.seconds for report in reports.values())
        log.warning("index built anew", extra=fields(version=manifest.version, reason=error, seconds=round(seconds, 1)))


def _sums(directory: Path) -> dict[str, FileSum]:
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path != directory / MANIFEST)
    return {path.relative_to(directory).as_posix(): _sum(path) for path in files}


def _sum(path: Path) -> FileSum:
    return FileSum(path.stat().st_size, _sha256(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
