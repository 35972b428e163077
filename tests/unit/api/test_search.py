"""Searching as one types: words, beginnings, typing errors, order, pages, and a catalogue that changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.live_catalogue import LiveCatalogue
from api.metrics import Metrics
from api.search.live_search import LiveSearch, Place
from api.search.vocabulary import Vocabulary
from segue.catalogue import Track
from segue.ids import TrackNo
from tests.unit.api.conftest import World, eventually, ids
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.made import track

pytestmark = pytest.mark.anyio

SONGS = [
    ("Never Gonna Give You Up", "Rick Astley", "Whenever You Need Somebody", 80),
    ("Together Forever", "Rick Astley", "Whenever You Need Somebody", 60),
    ("Enter Sandman", "Metallica", "Metallica", 90),
    ("Master of Puppets", "Metallica", "Master of Puppets", 85),
    ("Déjà Vu", "Beyoncé", "B'Day", 55),
    ("Halo", "Beyoncé", "I Am… Sasha Fierce", 75),
    ("Hello", "Adele", "25", 88),
    ("Hello Goodbye", "The Beatles", "Magical Mystery Tour", 70),
]


def songs(rows: Iterable[tuple[str, str, str, int]] = SONGS) -> list[Track]:
    return [
        replace(
            track(at % 26, "pop"),
            track_no=TrackNo(at),
            track_id=f"s{at}",
            name=name,
            artists=(artist,),
            album=album,
            popularity=known,
        )
        for at, (name, artist, album, known) in enumerate(rows)
    ]


class Searched:
    """A live search and the Postgres behind it."""

    def __init__(self, tracks: list[Track], executor: ThreadPoolExecutor) -> None:
        self.postgres = FakePostgres(tracks)
        self.catalogue = LiveCatalogue(self.postgres, executor, Metrics())
        self.search = LiveSearch(self.catalogue, executor)

    async def refresh(self) -> None:
        await self.catalogue.refresh()
        await self.search.refresh()

    async def names(self, query: str, limit: int = 20) -> list[str]:
        return [found.name for found in (await self.search.find(query, limit)).tracks]


@pytest.fixture
async def searched() -> AsyncIterator[Searched]:
    with ThreadPoolExecutor(1) as executor:
        made = Searched(songs(), executor)
        await made.refresh()
        yield made


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("never gonna give you up", "Never Gonna Give You Up"),
        ("nev", "Never Gonna Give You Up"),
        ("astley toge", "Together Forever"),
        ("ASTLEY, together!", "Together Forever"),
        ("deja vu", "Déjà Vu"),
        ("beyonce hal", "Halo"),
        ("give somebody", "Never Gonna Give You Up"),
        ("metalica", "Enter Sandman"),
        ("metlalica puppets", "Master of Puppets"),
        ("never gona giv", "Never Gonna Give You Up"),
        ("beatels helo", "Hello Goodbye"),
        ("toghether forver", "Together Forever"),
        ("hello", "Hello"),
    ],
)
async def test_what_is_typed_finds(searched: Searched, query: str, best: str) -> None:
    assert (await searched.names(query))[0] == best


@pytest.mark.parametrize("query", ["", "  ", "!?", "\x00", "zzzzzz", "hello metallica", "rik", "x" * 200, "\ud800"])
async def test_what_finds_nothing(searched: Searched, query: str) -> None:
    assert await searched.names(query) == []


async def test_every_word_must_be_held(searched: Searched) -> None:
    assert await searched.names("hello beatles") == ["Hello Goodbye"]


async def test_only_the_last_word_may_be_begun(searched: Searched) -> None:
    assert await searched.names("ast together") == []


async def test_pages_follow_each_other_and_repeat_nothing() -> None:
    with ThreadPoolExecutor(1) as executor:
        many = Searched(songs([(f"Song {at}", "Someone", "Album", at % 5) for at in range(47)]), executor)
        await many.refresh()
        seen: list[str] = []
        place: Place | None = None
        for _ in range(5):
            page = await many.search.find("song", 10, place)
            seen += [found.track_id for found in page.tracks]
            place = page.ended_at
        assert place is None
        assert len(seen) == len(set(seen)) == 47


async def test_changes_are_found_and_what_changed_is_not_found_as_it_was(searched: Searched) -> None:
    changed = replace(songs()[6], name="Skyfall")
    searched.postgres.add(changed)
    searched.postgres.delete(songs()[7])
    await searched.refresh()
    assert await searched.names("hello") == []
    assert await searched.names("skyf") == ["Skyfall"]


async def test_many_small_changes_leave_few_segments(searched: Searched) -> None:
    for at in range(100, 200):
        searched.postgres.add(replace(track(1, "pop"), track_no=TrackNo(at), track_id=f"s{at}", name=f"Novelty {at}"))
        await searched.refresh()
    assert len(await searched.names("novelty", 200)) == 100
    assert len(searched.search._segments) <= 5


def distance(a: str, b: str) -> int:
    """Optimal string alignment, by its definition."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


words = st.text(alphabet="abcé", min_size=1, max_size=10)


@given(st.sets(words, min_size=1, max_size=40), words)
def test_similar_words_are_at_their_distance(known: set[str], typed: str) -> None:
    vocabulary = Vocabulary.of(sorted(known))
    for found, numbers in vocabulary.similar(typed, as_beginning=False).items():
        assert {distance(typed, vocabulary.words[number]) for number in numbers} == {found}
    for found, numbers in vocabulary.similar(typed, as_beginning=True).items():
        for number in numbers:
            word = vocabulary.words[number]
            assert min(distance(typed, word[:end]) for end in range(len(word) + 1)) == found


@pytest.mark.parametrize("typed", ["metalica", "metallicaa", "metalilca", "netallica", "mtallica"])
def test_each_kind_of_error_is_forgiven(typed: str) -> None:
    vocabulary = Vocabulary.of(sorted(["metallica", "medal", "mettle", "italic"]))
    assert vocabulary.similar(typed, as_beginning=False) == {1: [vocabulary.words.index("metallica")]}


async def test_search_over_http_pages(client: httpx.AsyncClient) -> None:
    first = await client.get("/tracks/search", params={"q": "song", "limit": 10})
    second = await client.get("/tracks/search", params={"q": "song", "limit": 10, "cursor": first.json()["next_cursor"]})
    assert (len(ids(first)), len(ids(second)), second.json()["next_cursor"]) == (10, 6, None)
    assert len({*ids(first), *ids(second)}) == 16


@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24", "e30", "////", "é", "W10", "a" * 401])
async def test_a_cursor_that_is_none_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/tracks/search", params={"q": "song", "cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


async def test_search_needs_no_postgres_and_follows_the_catalogue(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.add(replace(track(20, "pop"), name="Brand New"))

    async def found() -> bool:
        return ids(await client.get("/tracks/search", params={"q": "brand ne"})) == ["t20"]

    await eventually(found)
    world.postgres.away = True
    assert await found()
