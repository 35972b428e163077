"""Token buckets in a real Redis."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio

from segue.errors import RedisUnavailable
from segue.stores.redis.rates import SharedBuckets

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

SLOW = 0.001
"""Tokens a second: none comes back during a test."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_limit_holds_over_processes_that_ask_at_the_same_time(own_redis_url: str) -> None:
    processes = [SharedBuckets(own_redis_url, timeout_s=5) for _ in range(4)]
    answers = await asyncio.gather(*(process.take("key:a", SLOW, 50) for process in processes for _ in range(30)))
    assert sum(taken for taken, _ in answers) == 50
    assert sorted(int(left) for taken, left in answers if taken) == list(range(50))
    other = await processes[0].take("key:b", SLOW, 50)
    assert other == (True, 49.0)
    for process in processes:
        await process.close()


async def test_tokens_come_back_at_the_rate_and_no_more_than_the_burst(own_redis_url: str) -> None:
    buckets = SharedBuckets(own_redis_url, timeout_s=5)
    client = redis.asyncio.Redis.from_url(own_redis_url)
    seconds, micros = await client.time()
    await client.hset("segue:{rate:key:a}", mapping={"tokens": 0, "at": seconds + micros / 1e6 - 2})
    taken, left = await buckets.take("key:a", 2.0, 100)
    assert taken
    assert 3.0 <= left < 4.0
    await client.hset("segue:{rate:key:a}", mapping={"tokens": 0, "at": 0})
    assert await buckets.take("key:a", 2.0, 100) == (True, 99.0)
    await client.aclose()
    await buckets.close()


async def test_a_bucket_leaves_redis_when_it_would_be_full_again(own_redis_url: str) -> None:
    buckets = SharedBuckets(own_redis_url, timeout_s=5)
    await buckets.take("key:a", 10.0, 20)
    client = redis.asyncio.Redis.from_url(own_redis_url)
    assert 0 < await client.pttl("segue:{rate:key:a}") <= 1_100
    await client.aclose()
    await buckets.close()


async def test_no_redis_is_told_as_such() -> None:
    buckets = SharedBuckets("redis://127.0.0.1:1/0")
    with pytest.raises(RedisUnavailable):
        await buckets.take("key:a", 1.0, 1)
    await buckets.close()
