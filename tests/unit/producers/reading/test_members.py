"""What a path holds: files, folders and archives, and what of them is refused."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from producers.reading.bounds import Bounds
from producers.reading.members import Found, find_members
from segue.errors import InvalidFile, NotFound

BOUNDS = Bounds(line_bytes=1_000, files=10, archive_bytes=50_000_000, archive_ratio=50)


def names(found: Found) -> list[str]:
    return [member.name for member in found.members]


def refused(found: Found) -> list[tuple[str, str]]:
    return [(one.code, one.where) for one in found.rejected]


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def read(found: Found, number: int = 0) -> bytes:
    stream = found.members[number].open()
    parts = []
    while part := stream.read(1_000):
        parts.append(part)
    stream.close()
    return b"".join(parts)


def test_a_file_is_one_member(tmp_path: Path) -> None:
    path = tmp_path / "listens.json"
    path.write_bytes(b"[]")
    found = find_members(path, BOUNDS)
    assert (names(found), found.members[0].size, read(found)) == (["listens.json"], 2, b"[]")


def test_a_folder_has_its_files_in_order_of_their_names_and_those_of_its_archives(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.json").write_bytes(b"2")
    (tmp_path / "a.json").write_bytes(b"a")
    archive(tmp_path / "c.zip", {"y.json": b"y", "x/1.json": b"x"})
    found = find_members(tmp_path, BOUNDS)
    assert names(found) == ["a.json", "c.zip/x/1.json", "c.zip/y.json", "b/2.json"]
    assert [read(found, number) for number in range(4)] == [b"a", b"x", b"y", b"2"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_is_read_as_a_stream_however_it_was_packed(tmp_path: Path, compression: int) -> None:
    found = find_members(archive(tmp_path / "e.zip", {"a.json": b"0123456789" * 50_000}, compression), BOUNDS)
    assert (found.members[0].size, read(found)) == (500_000, b"0123456789" * 50_000)


def test_a_missing_path_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file .*gone\.zip: check the path"):
        find_members(tmp_path / "gone.zip", BOUNDS)


@pytest.mark.parametrize("name", ["../evil.json", "/etc/evil.json", "a/../../evil.json", "..\\evil.json", "C:\\evil.json"])
def test_a_name_that_leads_out_of_the_archive_is_refused_and_the_others_are_read(tmp_path: Path, name: str) -> None:
    found = find_members(archive(tmp_path / "e.zip", {name: b"x", "good.json": b"y"}), BOUNDS)
    assert (names(found), [code for code, _ in refused(found)]) == (["good.json"], ["path_traversal"])


def test_a_name_that_only_begins_with_dots_is_read(tmp_path: Path) -> None:
    assert names(find_members(archive(tmp_path / "e.zip", {"..a/...json": b"y"}), BOUNDS)) == ["..a/...json"]


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as made:
        info = zipfile.ZipInfo("link.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, "/etc/passwd")
        made.writestr("good.json", b"y")
    found = find_members(tmp_path / "e.zip", BOUNDS)
    assert (names(found), refused(found)) == (["good.json"], [("symlink", "link.json")])


def test_links_and_pipes_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_bytes(b"y")
    (tmp_path / "link.json").symlink_to("/etc/passwd")
    (tmp_path / "circle").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    found = find_members(tmp_path, BOUNDS)
    assert names(found) == ["good.json"]
    assert sorted(refused(found)) == [("not_a_file", "pipe.json"), ("symlink", "link.json")]


def test_an_archive_in_an_archive_is_told(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", {"a.json": b"a"}).read_bytes()
    found = find_members(archive(tmp_path / "outer.zip", {"inner.zip": inner, "b.json": b"b"}), BOUNDS)
    assert (names(found), refused(found)) == (["b.json"], [("nested_zip", "inner.zip")])


def test_an_encrypted_member_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {"a.json": b"a", "b.json": b"b"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    found = find_members(path, BOUNDS)
    assert (names(found), refused(found)) == (["b.json"], [("encrypted", "a.json")])


def test_an_archive_that_was_cut_off_is_said_to_be(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {"a.json": b"0123456789" * 1_000})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InvalidFile, match=r"e.zip: ends before its directory.*download it again") as caught:
        find_members(path, BOUNDS)
    assert caught.value.code == "truncated_zip"


def test_a_broken_archive_in_a_folder_costs_nothing_but_itself(tmp_path: Path) -> None:
    archive(tmp_path / "bad.zip", {"a.json": b"a"}).write_bytes(b"PK\x03\x04 and nothing more")
    archive(tmp_path / "good.zip", {"b.json": b"b"})
    found = find_members(tmp_path, BOUNDS)
    assert (names(found), refused(found)) == (["good.zip/b.json"], [("truncated_zip", "bad.zip")])


def test_a_member_that_grows_too_much_is_not_read(tmp_path: Path) -> None:
    members = {"bomb.json": b"\0" * 20_000_000, "good.json": os.urandom(500_000)}
    found = find_members(archive(tmp_path / "e.zip", members), BOUNDS)
    assert (names(found), refused(found)) == (["good.json"], [("zip_bomb", "bomb.json")])


def test_an_archive_that_grows_too_much_is_refused_whole(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {f"{n}.json": b"\0" * 9_000_000 for n in range(3)})
    with pytest.raises(InvalidFile, match="times larger when it is unpacked: at most 50 times") as caught:
        find_members(path, BOUNDS)
    assert caught.value.code == "zip_bomb"


def test_an_archive_is_refused_for_what_it_says_to_become(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {"a.json": b"a"})
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 4_000_000_000)
    path.write_bytes(data)
    with pytest.raises(InvalidFile, match="4,000,000,000 bytes when it is unpacked") as caught:
        find_members(path, BOUNDS)
    assert caught.value.code == "zip_bomb"


def test_small_files_may_be_packed_as_well_as_they_can(tmp_path: Path) -> None:
    assert names(find_members(archive(tmp_path / "e.zip", {"a.json": b" " * 1_000_000}), BOUNDS)) == ["a.json"]


def test_too_many_files_of_an_archive_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {f"{n}.json": b"1" for n in range(11)})
    with pytest.raises(InvalidFile, match="over 10 files") as caught:
        find_members(path, BOUNDS)
    assert caught.value.code == "too_many_files"


def test_a_directory_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {f"{n}" * 1_000: b"" for n in range(10, 20)})
    with pytest.raises(InvalidFile, match="over 10 files"):
        find_members(path, BOUNDS)


def test_too_many_files_of_a_folder_are_refused(tmp_path: Path) -> None:
    for number in range(11):
        (tmp_path / f"{number}.json").touch()
    with pytest.raises(InvalidFile, match="over 10 files: give the folder of one export"):
        find_members(tmp_path, BOUNDS)


def test_a_damaged_member_is_read_up_to_the_damage(tmp_path: Path) -> None:
    content = os.urandom(300_000)
    path = archive(tmp_path / "e.zip", {"a.json": content}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[200_000] ^= 0xFF
    path.write_bytes(data)
    stream = find_members(path, BOUNDS).members[0].open()
    assert stream.read(190_000) == content[:190_000]
    with pytest.raises(InvalidFile, match=r"is damaged from here on .*: download it again") as caught:
        stream.read()
    stream.close()
    assert caught.value.code == "damaged_zip"


def test_names_are_shown_as_one_short_line(tmp_path: Path) -> None:
    found = find_members(archive(tmp_path / "e.zip", {"a\nb\x1b[31m.json": b"a", "x" * 300: b"b"}), BOUNDS)
    assert names(found) == ["a?b?[31m.json", "x" * 200 + "…"]
