"""``python -m docs.make_screenshots URL`` takes the pictures of the papers from a running archive with its demo.

That of a bad night it takes from an archive of its own, which it fills with one.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.bad_night import serving_bad_night
from tests.services import redis_server

IMAGES_DIR = Path(__file__).parent / "images"
SCREEN = {"width": 1280, "height": 900}
COLORS = 256  # enough for a page; a third of the bytes
NIGHT_HEIGHT = 1180  # down to the charts
SEARCH = "/?q=M42+2d"


def take_screenshots(page: Page, url: str) -> None:
    """Take search.png and frame.png: the pictures of one object, and the newest of them by itself."""
    page.goto(url + SEARCH, wait_until="networkidle")
    frames = page.locator("tr:has(img.thumb) .card-title a")
    frame_url = url + (frames.first.get_attribute("href") or "")
    save(page, "search")
    page.goto(frame_url, wait_until="networkidle")
    save(page, "frame")


def take_bad_night(page: Page) -> None:
    """Take ingest-bad-night.png: the operator's page when much is wrong."""
    with tempfile.TemporaryDirectory() as folder, redis_server() as redis, serving_bad_night(folder, redis.url) as url:
        page.set_viewport_size(SCREEN | {"height": NIGHT_HEIGHT})
        page.goto(f"{url}/ingest")
        page.get_by_label("Name").fill("operator")
        page.get_by_label("Password").fill("operator")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/ingest", wait_until="networkidle")
        save(page, "ingest-bad-night")


def save(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(IMAGES_DIR / f"{name}.png", optimize=True)


def main() -> None:
    url = sys.argv[1].rstrip("/")
    IMAGES_DIR.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        # The system's Chromium, where there is one; root has no sandbox.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SCREEN, color_scheme="light")
        take_screenshots(page, url)
        take_bad_night(page)
        browser.close()


if __name__ == "__main__":
    main()
