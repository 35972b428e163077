from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from segue.errors import InvalidInput
from segue.evaluation.interaction_files import interactions, matrices


def test_plain_and_gzip_files_share_one_shape_and_count_an_item_once(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 1 1 2\n\n2 0\n")
    (tmp_path / "test.txt.gz").write_bytes(gzip.compress(b"0 4\n1\n"))
    train, test = matrices(tmp_path / "train.txt", tmp_path / "test.txt.gz")
    assert train.toarray().tolist() == [[0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert test.toarray().tolist() == [[0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert interactions(train).n_tracks == 5


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "empty_file", "no interactions"),
        (b"\n \n", "empty_file", "no interactions"),
        (b"7\n", "empty_file", "no interactions"),
        (b"0 1\n0 one\n", "invalid_line", "line 2: '0 one'"),
        (b"0 1.5\n", "invalid_line", "whole numbers"),
        (b"0 -1\n", "invalid_line", "within 0"),
        (b"0 4000000000\n", "invalid_line", "within 0"),
        (b"0 99999999999999999999999\n", "invalid_line", "line 1"),
        (gzip.compress(b"0 1\n" * 500)[:-12], "unreadable_file", "cannot be read"),
        (b"\xff\xfe0 1\n", "unreadable_file", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_with_the_line(tmp_path: Path, content: bytes, code: str, says: str) -> None:
    path = tmp_path / "train.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=says) as refused:
        matrices(path)
    assert refused.value.code == code
    assert str(path) in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent\.txt: cannot be read"):
        matrices(tmp_path / "absent.txt")
