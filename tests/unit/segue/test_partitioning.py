"""Every client must put a key where Java clients put it."""

from __future__ import annotations

import pytest

from segue.partitioning import murmur2, partition_for


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # Values of Kafka's own UtilsTest#testMurmur2.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_equals_the_java_clients(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected & 0xFFFFFFFF


def test_a_bucket_belongs_to_one_partition_when_partitions_divide_buckets() -> None:
    for number in range(500):
        key = f"listener-{number:05d}"
        assert partition_for(key, 8) == partition_for(key, 64) % 8
