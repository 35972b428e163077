from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import msgspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from segue.errors import CorruptSnapshot, NotFound
from segue.ids import TrackNo
from segue.models import blend_index
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend
from segue.models.blend_index import build_index, save_index
from segue.models.contract import History
from segue.recommending.answer import Recommender
from segue.stores.snapshots import Manifest, SnapshotStore, new_version
from tests.golden.generate import GOLDEN, VERSION, tracks
from tests.unit.models.tables import N_TRACKS, catalogue, checkerboard, fitted_blend

NOW = datetime(2026, 11, 23, 19, 5, 1, tzinfo=UTC)


def manifest(version: str = "20261123T190501Z-aaaaaa") -> Manifest:
    return Manifest(version=version, created_at=NOW, code_version="1", offsets={"listening-events/0": 42})


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(str(tmp_path / "snapshots"), tmp_path / "cache")


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[SnapshotStore]:
    yield SnapshotStore("memory://bucket/models", tmp_path / "cache")
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def written(store: SnapshotStore) -> Manifest:
    return store.write(manifest(), fitted_blend(), checkerboard().track_nos)


def test_versions_sort_by_time() -> None:
    first = new_version(NOW)
    assert first.startswith("20261123T190501Z-")
    assert len(first) == len("20261123T190501Z-") + 6
    assert first < new_version(datetime(2026, 11, 23, 19, 5, 2, tzinfo=UTC))


def test_what_was_written_answers_the_same_when_loaded(store: SnapshotStore) -> None:
    version = written(store).version
    loaded = store.load(version)
    history = History.of([0, 2])
    np.testing.assert_array_equal(loaded.blend.score_all(history), fitted_blend().score_all(history))
    assert loaded.track_nos.tolist() == list(range(100, 112))
    assert loaded.manifest.offsets == {"listening-events/0": 42}


def test_a_snapshot_of_before_sequences_loads_and_says_what_it_lacks(caplog: pytest.LogCaptureFixture) -> None:
    old = SnapshotStore(str(GOLDEN / "format-1")).load(VERSION)
    assert old.blend.sequence.pairs == 0
    assert old.blend.config.sequence == 0.0
    assert "knows no order of listening" in caplog.text
    assert Recommender.build(old.blend, old.track_nos, tracks()).for_session([(TrackNo(500), False)], 3).items


def test_the_manifest_names_every_file_with_its_sum(store: SnapshotStore) -> None:
    files = written(store).files
    assert "track_nos.npy" in files
    assert "blend/als/item_factors.npy" in files
    assert all(len(part.sha256) == 64 and part.size > 0 for part in files.values())


def test_a_failed_write_leaves_nothing_behind(store: SnapshotStore, tmp_path: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "half.npy").write_bytes(b"x")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.write_files(manifest(), fail)
    assert store.versions() == []
    assert list((tmp_path / "snapshots").iterdir()) == []


@pytest.mark.parametrize("damage", ["changed", "truncated", "missing", "foreign"])
def test_damaged_snapshots_are_refused(store: SnapshotStore, tmp_path: Path, damage: str) -> None:
    version = written(store).version
    factors = tmp_path / "snapshots" / version / "blend" / "als" / "item_factors.npy"
    content = factors.read_bytes()
    if damage == "changed":
        factors.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "truncated":
        factors.write_bytes(content[:-8])
    elif damage == "missing":
        factors.unlink()
    else:
        factors.with_name("extra.npy").write_bytes(content)
    with pytest.raises(CorruptSnapshot, match=r"als/(item_factors|extra)\.npy"):
        store.load(version)


def test_an_unreadable_manifest_is_refused(store: SnapshotStore, tmp_path: Path) -> None:
    version = written(store).version
    (tmp_path / "snapshots" / version / "manifest.json").write_bytes(b"{")
    with pytest.raises(CorruptSnapshot, match="unreadable manifest"):
        store.load(version)


def test_a_snapshot_under_another_name_is_refused(store: SnapshotStore, tmp_path: Path) -> None:
    version = written(store).version
    (tmp_path / "snapshots" / version).rename(tmp_path / "snapshots" / "20300101T000000Z-bbbbbb")
    with pytest.raises(CorruptSnapshot, match=version):
        store.load("20300101T000000Z-bbbbbb")


def test_a_manifest_that_points_outside_is_refused(store: SnapshotStore, tmp_path: Path) -> None:
    version = written(store).version
    path = tmp_path / "snapshots" / version / "manifest.json"
    path.write_text(path.read_text().replace("track_nos.npy", "../../track_nos.npy"))
    with pytest.raises(CorruptSnapshot, match="outside"):
        store.load(version)


def test_an_unknown_version_is_not_found(store: SnapshotStore) -> None:
    with pytest.raises(NotFound):
        store.load("20200101T000000Z-cccccc")


def test_versions_are_listed_oldest_first_and_deleted_whole(store: SnapshotStore) -> None:
    for version in ("20261124T000000Z-aaaaaa", "20261123T000000Z-aaaaaa"):
        store.write_files(manifest(version), lambda _: None)
    assert store.versions() == ["20261123T000000Z-aaaaaa", "20261124T000000Z-aaaaaa"]
    store.delete("20261123T000000Z-aaaaaa")
    assert store.versions() == ["20261124T000000Z-aaaaaa"]


def test_object_storage_holds_the_same_snapshot(remote: SnapshotStore) -> None:
    version = written(remote).version
    assert remote.versions() == [version]
    assert remote.load(version).blend.n_tracks == 12


def test_a_remote_snapshot_is_read_from_the_cache_the_second_time(remote: SnapshotStore, tmp_path: Path) -> None:
    version = written(remote).version
    remote.load(version)
    fsspec.filesystem("memory").rm(f"/bucket/models/{version}/track_nos.npy")
    assert remote.load(version).track_nos[0] == 100


def test_a_cut_off_upload_is_refused_and_not_cached(remote: SnapshotStore, tmp_path: Path) -> None:
    version = written(remote).version
    system = fsspec.filesystem("memory")
    whole = system.cat_file(f"/bucket/models/{version}/track_nos.npy")
    system.pipe_file(f"/bucket/models/{version}/track_nos.npy", whole[:-4])
    with pytest.raises(CorruptSnapshot):
        remote.load(version)
    system.pipe_file(f"/bucket/models/{version}/track_nos.npy", whole)
    assert remote.load(version).track_nos[0] == 100


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Blend:
    """Large enough for an index."""
    monkeypatch.setattr(blend_index, "EXACT_TRACKS", N_TRACKS - 1)
    return fitted_blend()


def indexed(store: SnapshotStore, blend: Blend) -> Manifest:
    indexes = build_index(blend, checkerboard().preference)
    return store.write(msgspec.structs.replace(manifest(), indexes=indexes), blend, checkerboard().track_nos)


def found(blend: Blend) -> list[list[int]]:
    reading, allowed = blend.read(History.of([0, 2])), np.ones(N_TRACKS, np.bool_)
    return [sorted(reading.readings[name].candidates(5, allowed).tolist()) for name in ("als", "content")]


def test_an_index_is_stored_with_what_it_finds_and_answers_the_same_when_loaded(
    store: SnapshotStore, large: Blend, caplog: pytest.LogCaptureFixture
) -> None:
    version = indexed(store, large).version
    loaded = store.load(version)
    assert loaded.blend.als.index is not None
    assert loaded.blend.content.index is not None
    assert loaded.manifest.indexes["als"].queries == 40
    assert found(loaded.blend) == found(large)
    assert "built anew" not in caplog.text


INDEX_FILES = ("als.faiss", "content.faiss", "content_axes.npy", "content_common.npy")


@pytest.mark.parametrize("damage", ["missing", "changed", "cut off", "emptied"])
@pytest.mark.parametrize("name", INDEX_FILES)
def test_a_damaged_index_is_built_anew_and_said(
    store: SnapshotStore, large: Blend, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    version = indexed(store, large).version
    file = tmp_path / "snapshots" / version / "index" / name
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes({"changed": content[:-1] + b"!", "cut off": content[:-8], "emptied": b""}[damage])
    loaded = store.load(version).blend
    assert "built anew" in caplog.text
    assert f"index/{name} missing, foreign or changed" in str([vars(record) for record in caplog.records])
    assert found(loaded) == found(large)


def test_an_index_that_does_not_fit_its_manifest_is_built_anew(
    store: SnapshotStore, large: Blend, caplog: pytest.LogCaptureFixture
) -> None:
    indexes = build_index(large, checkerboard().preference)
    other = {**indexes, "als": replace(indexes["als"], vectors=99)}
    version = store.write(msgspec.structs.replace(manifest(), indexes=other), large, checkerboard().track_nos).version
    assert found(store.load(version).blend) == found(large)
    assert "built anew" in caplog.text


def test_a_large_snapshot_of_before_indexes_gets_one(
    store: SnapshotStore, large: Blend, caplog: pytest.LogCaptureFixture
) -> None:
    version = written(store).version
    loaded = store.load(version).blend
    assert loaded.als.index is not None
    assert loaded.content.index is not None
    assert "built anew" in caplog.text


def test_a_small_snapshot_has_no_index(store: SnapshotStore) -> None:
    manifest = indexed(store, fitted_blend())
    assert manifest.indexes == {}
    assert not any(name.startswith("index/") for name in manifest.files)
    assert store.load(manifest.version).blend.als.index is None


def test_an_index_of_other_vectors_than_the_models_is_built_anew(
    store: SnapshotStore, large: Blend, caplog: pytest.LogCaptureFixture
) -> None:
    other = Blend(als=AlsModel(AlsConfig(factors=32))).fit(checkerboard(), catalogue())
    indexes = build_index(other, checkerboard().preference)

    def fill(directory: Path) -> None:
        np.save(directory / "track_nos.npy", checkerboard().track_nos)
        (directory / "blend").mkdir()
        large.save(directory / "blend")
        save_index(other, directory / "index")

    version = store.write_files(msgspec.structs.replace(manifest(), indexes=indexes), fill).version
    loaded = store.load(version).blend
    assert "als.faiss is of 12 x 32 numbers, the model of (12, 64)" in str([vars(record) for record in caplog.records])
    assert found(loaded) == found(large)


@dataclass
class Line:
    """Downloads by file name: those in `cut` break off so many times, those in `met` wait until as many are under way."""

    cut: dict[str, int] = field(default_factory=dict)
    met: dict[str, threading.Barrier] = field(default_factory=dict)

    def deliver(self, name: str, file: Path) -> None:
        if name in self.met:
            self.met[name].wait(20)
        if self.cut.get(name, 0) > 0:
            self.cut[name] -= 1
            file.write_bytes(file.read_bytes()[:-8])


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """The way from the object storage."""
    made, get_file = Line(), MemoryFileSystem.get_file

    def deliver(system: MemoryFileSystem, rpath: str, lpath: str) -> None:
        get_file(system, rpath, lpath)
        made.deliver(rpath.rpartition("/")[2], Path(lpath))

    monkeypatch.setattr(MemoryFileSystem, "get_file", deliver)
    return made


@pytest.mark.parametrize("name", ["als.faiss", "content_axes.npy", "track_nos.npy"])
def test_a_download_that_breaks_off_is_made_again(
    remote: SnapshotStore, line: Line, large: Blend, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    version = indexed(remote, large).version
    line.cut[name] = 1
    assert found(remote.load(version).blend) == found(large)
    assert "built anew" not in caplog.text


def test_an_index_that_did_not_come_whole_is_fetched_by_the_next_load(
    remote: SnapshotStore, line: Line, large: Blend, caplog: pytest.LogCaptureFixture
) -> None:
    version = indexed(remote, large).version
    line.cut["als.faiss"] = 2
    assert found(remote.load(version).blend) == found(large)
    assert "built anew" in caplog.text
    caplog.clear()
    assert found(remote.load(version).blend) == found(large)
    assert "built anew" not in caplog.text


@pytest.mark.parametrize("damage", ["cut off", "missing", "foreign"])
@pytest.mark.parametrize("name", ["index/als.faiss", "blend/als/item_factors.npy"])
def test_what_is_damaged_in_the_cache_is_fetched_again(
    remote: SnapshotStore, large: Blend, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    version = indexed(remote, large).version
    remote.load(version)
    file = tmp_path / "cache" / version / name
    content = file.read_bytes()
    if damage == "foreign":
        file.with_name("half.npy").write_bytes(content)
    else:
        file.unlink()
    if damage == "cut off":
        file.write_bytes(content[:-8])
    assert found(remote.load(version).blend) == found(large)
    assert file.read_bytes() == content
    assert not file.with_name("half.npy").exists()
    assert "built anew" not in caplog.text


def test_the_cache_of_who_only_reads_holds_no_more_versions_than_there_are(remote: SnapshotStore, tmp_path: Path) -> None:
    reader = SnapshotStore(remote.url, tmp_path / "readers")
    for version in ("20261123T000000Z-aaaaaa", "20261124T000000Z-aaaaaa", "20261125T000000Z-aaaaaa"):
        remote.write(manifest(version), fitted_blend(), checkerboard().track_nos)
    reader.load("20261123T000000Z-aaaaaa")
    reader.load("20261124T000000Z-aaaaaa")
    remote.delete("20261123T000000Z-aaaaaa")
    reader.load("20261125T000000Z-aaaaaa")
    cached = sorted(path.name for path in (tmp_path / "readers").iterdir())
    assert cached == ["20261124T000000Z-aaaaaa", "20261125T000000Z-aaaaaa"]
    with pytest.raises(NotFound):
        reader.load("20261123T000000Z-aaaaaa")


@pytest.mark.parametrize("name", ["track_nos.npy", "als.faiss"])
def test_two_that_fetch_at_once_into_one_cache_both_have_it(
    remote: SnapshotStore, line: Line, large: Blend, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    version = indexed(remote, large).version
    line.met[name] = threading.Barrier(2)
    stores = [SnapshotStore(remote.url, tmp_path / "cache") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        loaded = list(pool.map(lambda one: one.load(version).blend, stores))
    assert [found(blend) for blend in loaded] == [found(large)] * 2
    assert "built anew" not in caplog.text
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [version]


def test_an_upload_that_lost_an_index_file_is_loaded_all_the_same(
    remote: SnapshotStore, large: Blend, caplog: pytest.LogCaptureFixture
) -> None:
    version = indexed(remote, large).version
    fsspec.filesystem("memory").rm(f"/bucket/models/{version}/index/als.faiss")
    assert found(remote.load(version).blend) == found(large)
    assert "built anew" in caplog.text
