"""Looking before taking: a pixel has the value and the place that astropy gives it; previews beside rows; headers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.fits_factory import make_header, make_pixels
from tests.live import LiveArchive

SHAPE = HEIGHT, WIDTH = 60, 40
SIP = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-4, "B_1_1": -2e-4}
#: North is down in the file and east to the right: half a turn brings it upright.
UPSIDE_DOWN = {"CD1_1": 0.5 / 3600, "CD2_2": -0.5 / 3600}
CARDS: dict[str, Any] = {"OBJECT": "Quick Look", "BUNIT": "adu", "L1PUBDAT": "2024-02-20", **SIP, **UPSIDE_DOWN}
NAME, EMPTY_NAME = "coj1m011-kb05-20240219-0071-e91", "coj1m011-kb05-20240219-0072-e91"


@pytest.fixture(scope="module")
def file(live_archive: LiveArchive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("look") / f"{NAME}.fits.fz"
    science = fits.CompImageHDU(make_pixels(SHAPE), make_header(SHAPE, **CARDS), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), science]).writeto(path)
    return path


@pytest.fixture(scope="module")
def frame_url(live_archive: LiveArchive, file: Path) -> str:
    """The page of a small frame, in an archive that also has one without a picture."""
    empty = file.with_name(f"{EMPTY_NAME}.fits")
    fits.PrimaryHDU(np.full(SHAPE, np.nan, np.float32), make_header(SHAPE, **CARDS)).writeto(empty)
    live_archive.ingest(empty)
    path = urlsplit(live_archive.ingest(file)["frame_url"]).path
    return live_archive.url + path


@pytest.fixture
def look(page: Page, frame_url: str) -> Page:
    """The page with the pixels open."""
    page.goto(frame_url)
    page.get_by_role("button", name="Pixel values").click()
    expect(page.locator("canvas")).to_be_focused()
    return page


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def check(page: Page, file: Path, x: int, y: int) -> None:
    """Compare what the page tells with what is in the file."""
    with fits.open(file) as hdus:
        value, wcs = hdus["SCI"].data[y - 1, x - 1], WCS(hdus["SCI"].header)
    told_x, told_y = map(float, re.findall(r"[\d.]+", page.locator("[data-look-pixel]").inner_text()))
    assert (round(told_x), round(told_y)) == (x, y)
    assert page.locator("[data-look-value]").inner_text() == f"{value} adu"
    place = wcs.pixel_to_world(told_x - 1, told_y - 1).icrs
    degrees = page.locator("[data-look-degrees]").inner_text().replace("−", "-")
    sexagesimal = page.locator("[data-look-sexagesimal]").inner_text().translate(str.maketrans("−°′″", "-dms"))
    for told in (SkyCoord(degrees, unit="deg"), SkyCoord(sexagesimal)):
        assert told.separation(place) < 0.08 * u.arcsec, told  # to a decimal of a pixel or a second of arc


def test_what_is_under_the_pointer_is_what_astropy_says(look: Page, file: Path) -> None:
    box = look.locator("canvas").bounding_box()
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    for x, y in ((1, 1), (21, 31), (WIDTH, HEIGHT)):
        # North is up, and so the file upside down.
        right, down = (WIDTH / 2 - (x - 0.5)) * scale, ((y - 0.5) - HEIGHT / 2) * scale
        look.mouse.move(box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2 + down)
        check(look, file, x, y)


def test_the_keyboard_alone_reads_a_pixel_whichever_way_the_picture_is_turned(look: Page, file: Path) -> None:
    check(look, file, 21, 31)  # the mark begins in the middle
    expect(look.get_by_role("button", name="North up")).to_have_attribute("aria-pressed", "true")
    look.keyboard.press("ArrowRight")
    look.keyboard.press("Shift+ArrowUp")
    check(look, file, 20, 21)
    expect(look.locator("#announcement")).to_contain_text("x 20.0 y 21.0")
    look.keyboard.press("n")  # as it is in the file
    look.keyboard.press("2")
    look.keyboard.press("ArrowRight")
    check(look, file, 21, 21)
    look.get_by_role("button", name="Turn").press("Enter")  # counter-clockwise: the file's x is up
    look.locator("canvas").press("ArrowUp")
    check(look, file, 22, 21)
    look.get_by_role("button", name="Flip ↕").press("Enter")
    look.locator("canvas").press("ArrowUp")
    check(look, file, 21, 21)


def test_stretch_cuts_and_inversion_change_what_is_seen(look: Page) -> None:
    def brightness(x: int = 3, y: int = 3) -> int:
        script = "([x, y]) => document.querySelector('canvas').getContext('2d').getImageData(x, y, 1, 1).data[0]"
        box = look.locator("canvas").bounding_box()
        return look.evaluate(script, [box["width"] / 2 + x, box["height"] / 2 + y])

    look.get_by_label("Stretch").select_option("linear")
    look.get_by_label("Black").fill("0")
    look.get_by_label("White").fill("20000")
    look.get_by_label("White").press("Tab")
    expect(look.get_by_label("Cuts")).to_have_value("own")
    dark = brightness(80, 80)
    look.get_by_label("Stretch").select_option("log")
    light = brightness(80, 80)
    look.get_by_role("button", name="Invert").click()
    assert dark < 10 < light
    assert brightness(80, 80) == 255 - light
    look.get_by_label("Cuts").select_option("zscale")
    assert float(look.get_by_label("Black").input_value()) > 100


def test_who_wants_pixels_gets_them_on_the_next_frame_too(look: Page) -> None:
    look.reload()
    expect(look.locator("canvas")).to_be_visible()
    expect(look.locator("figure img")).not_to_be_visible()
    look.get_by_role("button", name="Pixel values").click()
    expect(look.locator("figure img")).to_be_visible()
    look.reload()
    expect(look.locator("figure img")).to_be_visible()


def test_axe_finds_no_violation_and_a_small_screen_scrolls_one_way_only(look: Page, live_archive: LiveArchive) -> None:
    for theme in ("light", "dark", "red"):
        look.context.add_cookies([{"name": "preferences", "value": f"theme={theme}", "url": live_archive.url}])
        look.set_viewport_size({"width": 320, "height": 800})
        look.reload()
        expect(look.locator("canvas")).to_be_visible()
        results = Axe().run(look)
        assert results.violations_count == 0, f"{theme}: {results.generate_report()}"
        assert look.evaluate("document.documentElement.scrollWidth") == 320


def test_a_file_without_a_picture_says_so(page: Page, live_archive: LiveArchive, frame_url: str) -> None:
    page.goto(f"{live_archive.url}/?basename={EMPTY_NAME}")
    page.get_by_role("link", name=f"Quick Look {EMPTY_NAME}").click()
    page.get_by_role("button", name="Pixel values").click()
    expect(page.get_by_role("status").filter(has_text="no pixel of it has a value")).to_be_visible()
    expect(page.locator("canvas")).not_to_be_visible()


def test_without_a_script_the_picture_stays(plain_page: Page, live_archive: LiveArchive, frame_url: str) -> None:
    plain_page.goto(f"{live_archive.url}/?basename={NAME}")
    plain_page.locator("a.thumb").click()
    expect(plain_page.locator("figure img")).to_be_visible()
    expect(plain_page.get_by_role("button", name="Pixel values")).not_to_be_visible()
    expect(plain_page.get_by_role("button", name="Copy all of it")).not_to_be_visible()


def test_the_header_can_be_copied(page: Page, frame_url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(frame_url)
    page.get_by_role("button", name="Copy all of it").click()
    expect(page.locator("#announcement")).to_have_text("Copied.")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert {"OBJECT   = Quick Look", "NAXIS1   = 40"} <= {*lines}
    page.get_by_label("Keyword or value").fill("bunit")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Copy BUNIT")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy BUNIT")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "adu"


def test_the_larger_preview_is_shown_beside_the_row(page: Page, live_archive: LiveArchive, frame_url: str) -> None:
    page.goto(f"{live_archive.url}/?basename={NAME}")
    page.evaluate("""() => {
        window.shift = 0;
        new PerformanceObserver((list) => list.getEntries().forEach(({value}) => (window.shift += value)))
            .observe({ type: "layout-shift" });
    }""")
    row = page.locator("tbody tr").bounding_box()
    page.locator("a.thumb").hover()
    peek = page.locator("img.peek")
    expect(peek).to_have_attribute("src", re.compile("/previews/large.jpg"))
    box = peek.bounding_box()
    assert box["y"] >= row["y"] + row["height"] or box["y"] + box["height"] <= row["y"]
    peek.hover()  # it stays while the pointer is on it
    page.wait_for_timeout(400)
    expect(peek).to_be_visible()
    page.keyboard.press("Escape")
    expect(peek).to_have_count(0)
    page.mouse.move(0, 0)
    page.keyboard.press("j")
    expect(peek).to_be_visible()
    page.keyboard.press("Tab")
    expect(peek).to_have_count(0)
    assert page.evaluate("window.shift") == 0
