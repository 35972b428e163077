"""The listening room in a real browser, on the running stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from infra.local.report import status_report
from tests.e2e.browser import browser, chromium
from tests.e2e.conftest import Road

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(chromium() is None, reason="no Chromium is installed (apt install chromium)"),
]
WITHIN_MS = 20_000
HOSTILE = "<b>x</b> [x](javascript:alert(2)) $\\alpha$ **b** :smile: https://evil.example www.evil.example a@b.example ->"
JOINER = "\u2060"


@dataclass
class Room:
    """An open page of the room, and the addresses that it asked."""

    page: Page
    url: str
    asked: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the room."""
        self.page.goto(self.url + path)
        return self.page

    def hosts(self) -> set[str]:
        """Where it asked for anything."""
        return {urlsplit(url).netloc for url in self.asked if not url.startswith(("data:", "blob:"))}


@pytest.fixture(scope="module")
def room_url(road: Road, wait_until: Callable[..., None]) -> Iterator[str]:
    """The room of the stack."""
    road.stack.start("ui")
    url = status_report(road.stack, road.settings)["urls"]["ui"]
    wait_until(lambda: _answers(url), 60, "the listening room")
    yield url
    road.stack.stop("ui")


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """What the browser's owner likes."""
    return str(request.param)


@pytest.fixture(scope="module")
def room(room_url: str) -> Iterator[Room]:
    """A browser with one page."""
    with browser() as opened:
        page = opened.new_page(viewport={"width": 1200, "height": 1000})
        page.set_default_timeout(WITHIN_MS)
        expect.set_options(timeout=WITHIN_MS)
        made = Room(page, room_url)
        page.on("request", lambda request: made.asked.append(request.url))
        yield made


def test_a_song_is_found_as_one_types_and_has_neighbours(room: Room) -> None:
    page = room.open("/")
    page.get_by_label("Song, artist or album").press_sequentially("jazz song 1", delay=20)
    page.get_by_role("button", name="Jazz Song 1 – Jazz Artist 0", exact=True).click()
    expect(page.get_by_role("heading", name="Songs like it")).to_be_visible()
    expect(page.get_by_text("Album 0", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stEChartsChart").locator("canvas").first).to_be_visible()
    page.get_by_role("button", name="Why this?").first.click()
    expect(page.get_by_text("Found by").first).to_be_visible()
    assert urlsplit(page.url).query == "song=jazz-001"


def test_one_click_changes_the_list(room: Room) -> None:
    page = room.open("/for-you?listener=visitor")
    first = page.get_by_role("button", name="1. ", exact=False).first
    title = first.inner_text().removeprefix("1. ")
    page.get_by_role("button", name="Block", exact=True).first.click()
    expect(page.get_by_text("New answer, which knows it")).to_be_visible()
    expect(page.get_by_role("button", name=title)).to_have_count(0)


def test_a_click_is_a_key_press_too(room: Room) -> None:
    page = room.open("/for-you?listener=typist")
    like = page.get_by_role("button", name="Like", exact=True).first
    like.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Liked: ")).to_be_visible()
    expect(page.get_by_text("New answer, which knows it")).to_be_visible()
    expect(page.get_by_role("cell", name="100%").first).to_be_visible()


def test_the_station_goes_on(room: Room) -> None:
    page = room.open("/for-you?listener=radio")
    page.get_by_text("Station", exact=True).click()
    page.get_by_role("button", name="Heard it: next track").click()
    expect(page.get_by_role("button", name="2. ").first).to_be_visible()


def test_a_playlist_is_made_continued_and_taken_along(room: Room) -> None:
    page = room.open("/playlists?listener=collector")
    page.get_by_label("New playlist").fill("Calm jazz")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="Add", exact=True).first.click()
    expect(page.get_by_text("1 track, 3:20; private")).to_be_visible()
    page.get_by_role("button", name="Take it along").click()
    page.get_by_text("M3U8").click()
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download").click()
    assert begun.value.suggested_filename == "Calm jazz.m3u8"
    assert begun.value.path().read_text().startswith("#EXTM3U")


def test_a_name_is_shown_as_its_letters(room: Room) -> None:
    page = room.open(f"/for-you?listener={quote(HOSTILE)}")
    expect(page.get_by_role("button", name="Why this?").first).to_be_visible()
    page.get_by_label("Listener").fill("somebody")
    page.get_by_label("Listener").press("Enter")
    label = page.locator("button", has_text="evil").locator("p")
    expect(label).to_be_visible()
    assert label.inner_text().replace(JOINER, "") == HOSTILE
    assert label.locator("a, b, strong, img, .katex").count() == 0


@pytest.mark.parametrize("path", ["/?song=rock-001", "/for-you?listener=listener-00001"])
def test_everybody_can_read_it(room: Room, scheme: str, path: str) -> None:
    room.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page = room.open(path)
    expect(page.get_by_role("button", name="Why this?").first).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("/playlists?listener=reader", "No playlists yet."),
        ("/trending", "Counted"),
        ("/under-the-hood", "Not processed yet"),
    ],
)
def test_everybody_can_read_the_other_pages(room: Room, path: str, last: str) -> None:
    page = room.open(path)
    expect(page.get_by_text(last)).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


@pytest.mark.parametrize("path", ["/?song=rock-001", "/for-you?listener=listener-00001"])
def test_a_narrow_screen_shows_all_of_it(room: Room, path: str) -> None:
    room.page.set_viewport_size({"width": 360, "height": 740})
    page = room.open(path)
    expect(page.get_by_role("button", name="Why this?").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("path", ["/?song=rock-001", "/for-you?listener=listener-00001"])
def test_nothing_comes_from_elsewhere(room: Room, path: str) -> None:
    room.asked.clear()
    page = room.open(path)
    expect(page.get_by_role("button", name="Why this?").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert room.hosts() == {urlsplit(room.url).netloc}


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_another_site_s_page_gets_no_connection(room_url: str, headers: dict[str, str]) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "A" * 22 + "==",
    }
    assert httpx.get(f"{room_url}/_stcore/stream", headers=upgrade | headers).status_code == 403


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_stcore/health").status_code == 200
    except httpx.TransportError:
        return False
