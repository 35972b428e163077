"""`make screenshots`: pictures of the listening room of the running stack, for the documentation."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize

from segue.client import Segue
from segue.settings import load_settings
from tests.e2e.browser import browser, chromium
from ui.options import address_of

SIZE: ViewportSize = {"width": 1100, "height": 760}
COLOURS = 64
"""Enough for a page without photographs, and a fifth of the bytes."""
WITHIN_MS = 20_000
LISTENER = "listener-00001"


def main(folder: Path) -> None:
    """Take them all."""
    if chromium() is None:
        raise SystemExit("no Chromium is installed: apt install chromium")
    settings = load_settings()
    with Segue(settings.api_address()) as api:
        song = api.get_user(LISTENER, top=1).top_tracks[0].track_id
    folder.mkdir(parents=True, exist_ok=True)
    views: dict[str, tuple[str, Callable[[Page], None]]] = {
        "find": (f"/?song={song}", _searched),
        "for-you": (f"/for-you?listener={LISTENER}", _clicked),
        "under-the-hood": ("/under-the-hood", _settled),
    }
    with browser() as opened:
        page = opened.new_page(viewport=SIZE)
        page.set_default_timeout(WITHIN_MS)
        for name, (path, prepare) in views.items():
            page.goto(address_of(settings) + path)
            prepare(page)
            _save(page.screenshot(), folder / f"room-{name}.png")


def _settled(page: Page) -> None:
    page.get_by_role("heading", level=2).last.wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for()


def _searched(page: Page) -> None:
    page.locator("canvas").first.wait_for()
    box = page.get_by_label("Song, artist or album")
    box.press_sequentially("electric", delay=30)
    page.get_by_role("button", name="Show more").wait_for()
    _settled(page)


def _clicked(page: Page) -> None:
    page.get_by_role("button", name="Like", exact=True).first.click()
    page.get_by_text("New answer, which knows it").wait_for()
    _settled(page)


def _save(png: bytes, path: Path) -> None:
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
