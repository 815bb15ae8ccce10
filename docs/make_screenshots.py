"""``python docs/make_screenshots.py URL`` takes the pictures of the papers from a running archive with its demo."""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

IMAGES_DIR = Path(__file__).parent / "images"
SCREEN = {"width": 1280, "height": 900}
COLORS = 256  # enough for a page; a third of the bytes
SEARCH = "/?configuration_type=EXPOSE"


def take_screenshots(page: Page, url: str) -> None:
    """Take search.png and frame.png: the newest pictures of the sky, and the first of them by itself."""
    page.goto(url + SEARCH, wait_until="networkidle")
    frames = page.locator("tr:has(img.thumb) .card-title a")
    frame_url = url + (frames.first.get_attribute("href") or "")
    save(page, "search")
    page.goto(frame_url, wait_until="networkidle")
    save(page, "frame")


def save(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(IMAGES_DIR / f"{name}.png", optimize=True)


def main() -> None:
    url = sys.argv[1].rstrip("/")
    IMAGES_DIR.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        # The system's Chromium, where there is one; root has no sandbox.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        take_screenshots(browser.new_page(viewport=SCREEN, color_scheme="light"), url)
        browser.close()


if __name__ == "__main__":
    main()
