"""What people come for, from the first page to the last: by mouse, without JavaScript, and by the keyboard alone."""

import datetime as dt
import hashlib
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.fits_factory import write_fits
from tests.live import LiveArchive, running_archive

TODAY = dt.datetime.now(dt.UTC).date()
LAST_NIGHT = TODAY - dt.timedelta(days=1)
THIS_MONTH = TODAY.replace(day=1)
LAST_MONTH = (THIS_MONTH - dt.timedelta(days=1)).replace(day=1)
THEN = LAST_MONTH + dt.timedelta(days=14)
LAST_YEAR = THEN - dt.timedelta(days=365)
PROPOSAL, PI = "JOURNEY-001", "principal"
PUBLIC_ON = TODAY + dt.timedelta(days=200)

ORION = {"OBJECT": "M 42", "OBSTYPE": "EXPOSE", "CRVAL1": 83.82, "CRVAL2": -5.39}
ANDROMEDA = {"OBJECT": "M 31", "OBSTYPE": "EXPOSE", "CRVAL1": 10.68, "CRVAL2": 41.27}
INDOORS = {"OBJECT": None, "CTYPE1": None, "CTYPE2": None}
OWN = {"PROPID": PROPOSAL, "L1PUBDAT": f"{PUBLIC_ON}"}
FRAMES: tuple[tuple[str, dt.date, dict[str, Any]], ...] = (
    ("0001", THEN, {"OBSTYPE": "BIAS", "EXPTIME": 0.0, "FILTER": None, **INDOORS}),
    ("0002", THEN, {"OBSTYPE": "DARK", "EXPTIME": 20.0, "FILTER": None, **INDOORS}),
    ("0003", THEN, {"OBSTYPE": "SKYFLAT", "EXPTIME": 4.0, "FILTER": "R", **INDOORS}),
    ("0004", THEN, {"OBSTYPE": "SKYFLAT", "EXPTIME": 3.0, "FILTER": "V", **INDOORS}),
    ("0005", THEN, {"EXPTIME": 20.0, "FILTER": "R", **ORION}),
    ("0006", THEN, {"EXPTIME": 30.0, "FILTER": "V", **ORION}),
    ("0007", LAST_YEAR, {"EXPTIME": 10.0, "FILTER": "R", **ORION}),
    ("0008", LAST_NIGHT, ANDROMEDA),
    ("0009", LAST_NIGHT, ANDROMEDA | OWN),
    ("0010", LAST_NIGHT, ANDROMEDA | OWN),
)
NAMES = {number: f"tfn1m001-jo01-{night:%Y%m%d}-{number}-e00" for number, night, _ in FRAMES}
TO_TAKE = ("0001", "0002", "0003", "0005")

UNKNOWN = ("no such galaxy", "Zzyzx 7")
TARGETS = ("M 42", "the same, 83.82, -5.39", *(f"NGC {number}" for number in range(1, 99)))
TARGETS += (*(f"{number} +60" for number in range(98)), *UNKNOWN)

MOST_TABS = 150
WHICH_WAY = """element => {
    const at = document.activeElement;
    if (at === element) return "";
    return at.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING ? "Shift+Tab" : "Tab";
}"""


class Mouse:
    """A person with a mouse, who types what is to be typed."""

    def __init__(self, page: Page, url: str, has_script: bool = True) -> None:
        self.page, self.url, self.has_script = page, url, has_script

    def open(self, path: str = "/") -> None:
        self.page.goto(self.url + path)

    def follow(self, target: Locator) -> None:
        target.click()

    def write(self, field: Locator, text: str) -> None:
        """Write a text into a field in place of what is there."""
        field.fill(text)

    def enter(self, field: Locator, text: str) -> None:
        """Write a text into a field, and send its form."""
        self.write(field, text)
        self.page.keyboard.press("Enter")

    def search(self, text: str) -> None:
        self.enter(self.page.get_by_label("Search for"), text)

    def look_at_first(self) -> None:
        """See the larger preview of the first row, where a script shows it, and go to its frame's page."""
        thumb = self.page.locator("a.thumb").first
        thumb.hover()
        if self.has_script:
            expect(self.page.locator("img.peek")).to_be_visible()
        thumb.click()


class Keyboard(Mouse):
    """A person with nothing but a keyboard."""

    def follow(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self._reach(field)
        self.page.keyboard.press("Control+a")
        if "\n" in text:
            self.page.keyboard.insert_text(text)  # as what is pasted comes
        else:
            self.page.keyboard.type(text)

    def search(self, text: str) -> None:
        self.page.keyboard.press("/")
        expect(self.page.get_by_label("Search for")).to_be_focused()
        super().search(text)

    def look_at_first(self) -> None:
        self.page.keyboard.press("j")
        self.page.keyboard.press("p")
        expect(self.page.get_by_role("dialog").get_by_role("img")).to_be_visible()
        self.page.keyboard.press("p")
        expect(self.page.get_by_role("dialog")).to_have_count(0)
        self.page.keyboard.press("Enter")

    def _reach(self, target: Locator) -> None:
        """Press Tab, or Shift and Tab where it comes before, until a thing has the focus."""
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if not (keys := target.evaluate(WHICH_WAY)):
                return
            self.page.keyboard.press(keys)
        raise AssertionError(f"{target} is not reached within {MOST_TABS} Tabs")


WAYS = {"mouse": (Mouse, True), "no script": (Mouse, False), "keyboard": (Keyboard, True)}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveArchive]:
    """An archive of its own: what is found in the other tests' is counted there."""
    with running_archive(tmp_path_factory.mktemp("journeys")) as archive:
        archive.add_user(PI, proposals=[PROPOSAL])
        yield archive


@pytest.fixture(scope="module")
def files(archive: LiveArchive, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of all frames, which are in the archive with their previews, by their numbers."""
    folder = tmp_path_factory.mktemp("frames")
    paths = {number: write_frame(folder, number, night, cards) for number, night, cards in FRAMES}
    for job in [archive.submit(path) for path in paths.values()]:
        assert archive.wait(job)["state"] == "archived"
    deadline_s = time.monotonic() + 60
    while archive.request("GET", "/thumbnails/").json()["count"] < len(FRAMES):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    return paths


def write_frame(folder: Path, number: str, night: dt.date, cards: dict[str, Any]) -> Path:
    where = {"INSTRUME": "jo01", "SITEID": "tfn", "L1IDBIAS": None, "RLEVEL": 0, "L1PUBDAT": f"{night}"}
    when = {"DATE-OBS": f"{night}T23:10:{number[2:]}", "DAY-OBS": f"{night:%Y%m%d}", "UTSTOP": "23:11:30"}
    return write_fits(
        folder / f"{NAMES[number]}.fits.fz", compressed=True, **(where | when | {"TITLE": number} | cards)
    )


@pytest.fixture(params=WAYS)
def person(
    request: pytest.FixtureRequest, browser: Browser, archive: LiveArchive, files: dict[str, Path]
) -> Iterator[Mouse]:
    kind, has_script = WAYS[request.param]
    context = browser.new_context(java_script_enabled=has_script)
    yield kind(context.new_page(), archive.url, has_script)
    context.close()


def expect_frames(page: Page, *numbers: str) -> None:
    """Expect the table to list these frames, in this order."""
    expect(page.locator("tbody .subtitle")).to_have_text([NAMES[number] for number in numbers])


def find_facet(page: Page, facet: str, value: str) -> Locator:
    return page.get_by_role("region", name=facet, exact=True).get_by_role("link", name=re.compile(f"^{value}\\b"))


def test_m42_in_r_from_last_month_with_its_calibrations(person: Mouse, files: dict[str, Path]) -> None:
    page = person.page
    person.open()
    person.search("M 42")
    expect(page.get_by_text("Read as object")).to_be_visible()
    person.follow(page.get_by_text("More conditions"))
    person.write(page.get_by_label("From", exact=True), f"{LAST_MONTH}")
    person.enter(page.get_by_label("Until", exact=True), f"{THIS_MONTH}")
    expect_frames(page, "0006", "0005")
    person.follow(find_facet(page, "Filter", "R"))
    expect_frames(page, "0005")
    person.look_at_first()
    expect(page.get_by_role("heading", name=NAMES["0005"])).to_be_visible()
    assert page.locator("figure img").evaluate("image => image.naturalWidth") > 0
    if person.has_script:
        person.follow(page.get_by_role("button", name="Pixel values"))
        expect(page.locator("[data-look-value]")).to_have_text(re.compile(r"^[0-9]+$"))
    person.follow(page.get_by_role("button", name="Add to the cart"))
    expect(page.get_by_role("button", name="Remove from the cart")).to_be_visible()
    person.follow(page.get_by_role("link", name="Matching calibrations"))
    expect(page.get_by_text("1 bias, 1 dark, 1 flat, ")).to_be_visible()
    person.follow(page.get_by_role("button", name="Add the best to the cart"))
    expect(page.locator(".site-cart")).to_contain_text("4 frames,")
    person.follow(page.locator(".site-cart"))
    with page.expect_download() as started:
        person.follow(page.get_by_role("link", name="Zip"))
    with zipfile.ZipFile(started.value.path()) as zipped:
        md5s = {Path(name).name: hashlib.md5(zipped.read(name)).hexdigest() for name in zipped.namelist()}
    assert {name: md5 for name, md5 in md5s.items() if name.endswith(".fz")} == {
        files[number].name: hashlib.md5(files[number].read_bytes()).hexdigest() for number in TO_TAKE
    }


def test_a_principal_investigator_finds_last_nights_frames(person: Mouse) -> None:
    page, until = person.page, f"public on {PUBLIC_ON}"
    person.open()
    person.search(f"{LAST_NIGHT}")
    expect_frames(page, "0008")
    person.follow(page.get_by_role("link", name="Log in"))
    person.write(page.get_by_label("Name"), PI)
    person.enter(page.get_by_label("Password"), PI)
    expect_frames(page, "0010", "0009", "0008")
    person.follow(find_facet(page, "Proposal", PROPOSAL))
    expect_frames(page, "0010", "0009")
    expect(page.get_by_role("row").get_by_text(until)).to_have_count(2)
    person.follow(page.get_by_role("link", name="Nights"))
    expect(page.locator("#night [role=status]")).to_contain_text(f"2 of them are not public yet: {until}.")


def test_two_hundred_targets_are_pasted(person: Mouse) -> None:
    page = person.page
    person.open()
    person.follow(page.get_by_role("link", name="Targets", exact=True))
    person.write(page.get_by_label("One target a line"), "\n".join(TARGETS))
    person.follow(page.get_by_role("button", name="Find frames"))
    expect(page.get_by_role("heading", name="2 of 200 targets found: 3 frames")).to_be_visible()
    expect(page.locator(".notice li")).to_have_text([re.compile(f"^Line .*, {name}: ") for name in UNKNOWN])
    counts = {
        row[0]: row[4]
        for row in page.locator("tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
        )
    }
    assert counts == {"M 42": "3", "the same": "3"}
    person.follow(page.get_by_role("button", name="Add all 3 to the cart"))
    expect(page.locator(".site-cart")).to_contain_text("3 frames,")


def test_a_search_that_finds_nothing_is_repaired_by_its_hint(person: Mouse) -> None:
    page = person.page
    person.open()
    person.search("83.9 -5.39")
    expect(page.get_by_role("heading", name="No frame found")).to_be_visible()
    person.follow(page.get_by_role("link", name="Within 0.1° of the position"))
    expect_frames(page, "0006", "0005", "0007")
    person.enter(page.get_by_label("Exposure at least"), "3600")  # in the conditions, which show the position now
    expect(page.get_by_role("heading", name="No frame found")).to_be_visible()
    person.follow(page.get_by_role("link", name="Without “Exposure at least: 3600 s”"))
    expect_frames(page, "0006", "0005", "0007")


def test_back_forward_reload_and_a_shared_link_give_the_same_rows(person: Mouse, browser: Browser) -> None:
    page = person.page
    searched, narrowed, sorted_ = ("0006", "0005", "0007"), ("0005", "0007"), ("0007", "0005")
    person.open()
    person.search("M 42")
    expect_frames(page, *searched)
    person.follow(find_facet(page, "Filter", "R"))
    expect_frames(page, *narrowed)
    person.follow(page.get_by_role("columnheader").get_by_role("link", name="Exposure"))
    expect_frames(page, *sorted_)
    for turn, frames in (
        (page.go_back, narrowed),
        (page.go_back, searched),
        (page.go_forward, narrowed),
        (page.reload, narrowed),
        (page.go_forward, sorted_),
        (page.reload, sorted_),
    ):
        turn()
        expect_frames(page, *frames)
    with browser.new_context() as another:
        shared = another.new_page()
        shared.goto(page.url)
        expect_frames(shared, *sorted_)


@pytest.fixture
def short_page(browser: Browser, archive: LiveArchive, files: dict[str, Path]) -> Iterator[Page]:
    """A window in which two rows of three don't have room."""
    with browser.new_context(viewport={"width": 1100, "height": 300}) as context:
        page = context.new_page()
        page.goto(f"{archive.url}/?q=M+42&limit=2")
        yield page


def test_the_keyboard_skips_the_rows(short_page: Page) -> None:
    person = Keyboard(short_page, "")
    person.follow(short_page.get_by_role("link", name="Skip the rows"))
    expect(short_page.locator("#pages")).to_be_focused()
    short_page.keyboard.press("Tab")
    expect(short_page.get_by_role("link", name="Next")).to_be_focused()
    short_page.keyboard.press("Enter")
    expect_frames(short_page, "0007")


def test_rows_that_come_while_scrolling_leave_the_focus_where_it_is(short_page: Page) -> None:
    short_page.keyboard.press("j")
    short_page.keyboard.press("j")
    short_page.keyboard.press("End")
    expect_frames(short_page, "0006", "0005", "0007")
    expect(short_page.locator(".card-title a").nth(1)).to_be_focused()
