"""The pages in a browser: each alone, and the way from a search to a file."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.fits_factory import write_fits
from tests.live import LiveArchive

ORION = {"OBJECT": "M 42", "CRVAL1": 83.82, "CRVAL2": -5.39, "L1PUBDAT": "2024-02-20"}
NAME = "coj1m011-kb05-20240219-0042-e91"
LONG_NAME = f"{'long-' * 13}20240219-0043-e91"
PAGES = (
    "/",
    "/?target_name=M+42&site_id=nowhere",
    "/?q=M42+2d",
    "/?radius=2&colour=blue",
    "/cart",
    "{frame}",
    "{frame}calibrations",
    "/targets/",
    "/targets/?targets=M42+2d%0A200+%2B60%0Ano+such+thing%0Amine,+83.82,+-5.39",
    "/account",
    "/searches",
    "/proposals",
    "/nights/2024-02-19",
    "/ingest",
    "/ingest/jobs",
    "/login",
    "/redoc/",
    "/help",
    "/nowhere",
)
PARTS = "a[href], button, input, select, textarea, summary"
#: What can be pressed and is smaller than 24 pixels, but for links in a text. A tick is pressed by its label.
SMALL_TARGETS = """(parts) => [...document.querySelectorAll(parts)].filter((part) => {
  const target = (part.matches("[type=checkbox], [type=radio]") && part.closest("label")) || part;
  const { width, height } = target.getBoundingClientRect();
  const isInText = [...part.parentNode.childNodes].some((node) => node.nodeName === "#text" && node.data.trim());
  return part.checkVisibility() && width && Math.min(width, height) < 24 && !(part.localName === "a" && isInText);
}).map((part) => part.outerHTML)"""
#: What does not show that it has the focus.
UNSEEN_FOCUS = """(parts) => [...document.querySelectorAll(parts)].filter((part) => {
  part.focus();
  return part.matches(":focus-visible") && getComputedStyle(part).outlineStyle === "none";
}).map((part) => part.outerHTML)"""

#: The fields that the help of another one, which has the focus, lies over.
COVERED = """() => [...document.querySelectorAll(".fields .field")].flatMap((field) => {
  field.querySelector("input").focus();
  const help = field.querySelector(".field-help").getBoundingClientRect();
  return [...document.querySelectorAll(".fields :is(input, label)")].filter((part) => {
    const { left, right, top, bottom } = part.getBoundingClientRect();
    return left < help.right && help.left < right && top < help.bottom && help.top < bottom;
  }).map((part) => part.outerHTML);
})"""


@pytest.fixture(scope="module")
def orion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fits(tmp_path_factory.mktemp("orion") / f"{NAME}.fits.fz", compressed=True, **ORION)


@pytest.fixture(scope="module")
def frame_path(live_archive: LiveArchive, orion: Path) -> str:
    """The path of a frame's page, in an archive with a job that failed and a name that is very long."""
    job = live_archive.ingest(orion)
    others = {"DATE-OBS": "2024-02-19T00:00", "L1PUBDAT": "2024-02-20", "RLEVEL": 0}
    odd = write_fits(orion.with_name(f"{LONG_NAME}.fits"), OBJECT="<script>" * 8, **others)
    live_archive.ingest(odd)
    broken = orion.with_name("broken.fits")
    broken.write_text("no FITS at all")
    live_archive.ingest(broken)
    return str(urlsplit(job["frame_url"]).path)


@pytest.fixture
def operator_page(page: Page, live_archive: LiveArchive, frame_path: str) -> Page:
    """A browser in which an operator is logged in."""
    page.goto(f"{live_archive.url}/login")
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill("operator")
    page.get_by_role("button", name="Log in").click()
    return page


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A browser without JavaScript."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def is_red(screenshot: bytes) -> bool:
    """Say whether nothing on a screenshot has much green or blue, of which eyes used to the dark must see none."""
    red, *others = np.moveaxis(np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB"), dtype=float), -1, 0)
    return all(bool((other <= 0.65 * red + 8).all()) for other in others)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_violation_and_the_red_theme_is_red(
    operator_page: Page, live_archive: LiveArchive, frame_path: str, path: str
) -> None:
    for color_scheme, theme in (("light", "auto"), ("dark", "auto"), ("light", "red")):
        operator_page.emulate_media(color_scheme=color_scheme)
        operator_page.context.add_cookies([{"name": "preferences", "value": f"theme={theme}", "url": live_archive.url}])
        operator_page.goto(live_archive.url + path.format(frame=frame_path))
        results = Axe().run(operator_page)
        assert results.violations_count == 0, f"{color_scheme} {theme}: {results.generate_report()}"
    assert is_red(operator_page.screenshot(full_page=True))


@pytest.mark.parametrize("path", PAGES)
def test_a_small_screen_scrolls_one_way_only_and_can_be_touched(
    operator_page: Page, live_archive: LiveArchive, frame_path: str, path: str
) -> None:
    for width in (320, 800):
        operator_page.set_viewport_size({"width": width, "height": 800})
        operator_page.goto(live_archive.url + path.format(frame=frame_path))
        assert operator_page.evaluate("document.documentElement.scrollWidth") == width
        assert operator_page.evaluate(SMALL_TARGETS, PARTS) == []
    operator_page.keyboard.press("Tab")
    assert operator_page.evaluate(UNSEEN_FOCUS, PARTS) == []


def test_the_help_of_a_field_covers_no_other(page: Page, live_archive: LiveArchive) -> None:
    page.goto(f"{live_archive.url}/?target_name=M+42")
    assert page.evaluate(COVERED) == []


def test_the_table_of_frames_fits_and_its_head_stays_in_view(
    operator_page: Page, live_archive: LiveArchive, frame_path: str
) -> None:
    operator_page.goto(live_archive.url)
    for width in (1040, 1248, 1280, 1600):
        operator_page.set_viewport_size({"width": width, "height": 700})
        assert operator_page.evaluate("document.documentElement.scrollWidth") == width
        assert operator_page.evaluate(
            "document.querySelector('.fits').scrollWidth <= document.querySelector('.fits').clientWidth"
        )
    operator_page.set_viewport_size({"width": 1600, "height": 640})
    operator_page.locator("tbody tr").last.evaluate("(row) => scrollTo(0, row.getBoundingClientRect().top)")
    expect(operator_page.get_by_role("columnheader", name="Target")).to_be_in_viewport()


def test_no_request_leaves_the_server_and_nothing_is_refused(
    operator_page: Page, live_archive: LiveArchive, frame_path: str, requested_hosts: set[str]
) -> None:
    complaints: list[str] = []
    operator_page.on("console", lambda message: complaints.append(message.text))
    for path in ("/", frame_path, "/ingest", "/login"):
        operator_page.goto(live_archive.url + path, wait_until="networkidle")
    assert requested_hosts == {urlsplit(live_archive.url).netloc}
    assert complaints == []


def test_from_a_search_to_the_file(page: Page, live_archive: LiveArchive, frame_path: str, orion: Path) -> None:
    page.goto(live_archive.url)
    page.get_by_label("Search for").fill("M 42 0.5d")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1–1 of 1 frames", exact=True)).to_be_visible()
    assert parse_qs(urlsplit(page.url).query, keep_blank_values=True) == {"q": ["M 42 0.5d"]}
    page.get_by_role("link", name=f"M 42 {NAME}").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    assert urlsplit(page.url).path == frame_path
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    assert started.value.suggested_filename == orion.name
    content = started.value.path().read_bytes()
    assert content == orion.read_bytes()
    expect(page.get_by_role("cell", name=hashlib.md5(content).hexdigest())).to_be_visible()


def test_everything_works_without_javascript(plain_page: Page, live_archive: LiveArchive, frame_path: str) -> None:
    plain_page.goto(live_archive.url)
    plain_page.get_by_text("More conditions").click()
    plain_page.get_by_label("Target").fill("m 42")
    plain_page.get_by_role("button", name="Search").click()
    plain_page.get_by_role("navigation", name="Narrow down").get_by_role("link", name="91 (reduced)").click()
    plain_page.get_by_role("link", name="Remove Target: m 42").click()
    plain_page.get_by_text("Columns and view").click()
    plain_page.get_by_label("Night").check()
    plain_page.get_by_role("button", name="Keep").click()
    expect(plain_page.get_by_role("columnheader", name="Night")).to_be_visible()
    plain_page.get_by_role("button", name="Red").click()
    assert urlsplit(plain_page.url).query == "reduction_level=91"
    plain_page.get_by_role("link", name=f"M 42 {NAME}").click()
    lines = plain_page.locator("#header-table tbody tr")
    assert lines.filter(visible=True).count() > 20
    plain_page.get_by_label("Keyword or value").fill("crval")
    plain_page.get_by_role("button", name="Filter").click()
    expect(lines.filter(visible=True)).to_have_text(["CRVAL1 83.82", "CRVAL2 -5.39"], use_inner_text=True)


def test_searches_without_a_new_page_are_like_those_with_one(
    page: Page, live_archive: LiveArchive, frame_path: str
) -> None:
    page.goto(live_archive.url)
    page.evaluate("window.isTheSamePage = true")
    page.keyboard.press("/")
    page.keyboard.type("M 42")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Frames found")).to_be_focused()
    expect(page.locator("#announcement")).to_have_text("Frames found 1–1 of 1 frames")
    page.get_by_role("navigation", name="Narrow down").get_by_role("link", name="91 (reduced)").click()
    expect(page.get_by_role("link", name="Remove Level: 91")).to_be_visible()
    expect(page.get_by_role("link", name="91 (reduced)")).to_be_focused()
    address, rows = page.url, page.locator("tbody").inner_text()
    assert parse_qs(urlsplit(address).query) == {"q": ["M 42"], "reduction_level": ["91"]}
    page.go_back()
    expect(page.get_by_role("link", name="Remove Level: 91")).not_to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Newest frames")).to_be_visible()
    page.go_forward()
    page.go_forward()
    expect(page.get_by_role("link", name="Remove Level: 91")).to_be_visible()
    assert (page.url, page.locator("tbody").inner_text()) == (address, rows)
    assert page.evaluate("window.isTheSamePage")
    page.reload()
    assert page.locator("tbody").inner_text() == rows
    page.keyboard.press("j")
    expect(page.locator(".card-title a").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    page.go_back()
    assert page.locator("tbody").inner_text() == rows


def test_a_fault_keeps_what_was_typed(page: Page, live_archive: LiveArchive, frame_path: str) -> None:
    page.goto(live_archive.url)
    page.get_by_label("Search for").fill("5:35:17")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is half a position")
    expect(page.get_by_label("Search for")).to_be_focused()
    expect(page.get_by_label("Search for")).to_have_value("5:35:17")


def test_an_archive_that_does_not_answer_leaves_the_page_as_it_is(
    page: Page, live_archive: LiveArchive, frame_path: str
) -> None:
    page.goto(live_archive.url)
    page.route("**/?*", lambda route: route.abort())
    page.get_by_label("Search for").fill("M 42")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The archive can't be reached.")
    expect(page.get_by_label("Search for")).to_have_value("M 42")
    page.unroute_all()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Frames found")).to_be_visible()
    expect(page.get_by_role("alert")).not_to_be_visible()


def test_the_header_is_filtered_while_one_types(page: Page, live_archive: LiveArchive, frame_path: str) -> None:
    page.goto(f"{live_archive.url}{frame_path}?header=crval")
    page.get_by_label("Keyword or value").fill("pixel")
    expect(page.locator("#header-table tbody tr").filter(visible=True)).to_have_count(0)
    page.get_by_label("Keyword or value").fill("m 42")
    expect(page.locator("#header-table tbody tr").filter(visible=True)).to_have_count(1)


def test_the_keyboard_reaches_the_content_first(page: Page, live_archive: LiveArchive, frame_path: str) -> None:
    page.goto(live_archive.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search for")).to_be_focused()


def test_the_state_of_ingest_can_keep_itself_up_to_date(operator_page: Page, live_archive: LiveArchive) -> None:
    operator_page.clock.install()
    operator_page.goto(f"{live_archive.url}/ingest")
    operator_page.get_by_label("Keep up to date").check()
    with operator_page.expect_navigation():
        operator_page.clock.run_for(10_000)
    expect(operator_page.get_by_label("Keep up to date")).to_be_checked()
