"""Aladin Lite on the search page: a stand-in for its module, as it is not part of the archive."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.fits_factory import write_fits
from tests.live import LiveArchive, running_archive

SURVEY = "https://survey.example/hips"
#: It draws nothing, and writes down what it is told.
STAND_IN = """
window.told = [];
const tell = (name) => (...values) => window.told.push([name, ...values]);
const places = ["gotoRaDec", "setBaseImageLayer", "setFoV", "setProjection"];
const methods = ["addCatalog", "addOverlay", "removeOverlays", ...places];
export default {
  init: Promise.resolve(),
  aladin(view, { log, hipsList, survey }) {
    tell("aladin")({ log, hipsList, survey });
    view.innerHTML = "<style>.aladin-container { position: relative }</style>";
    return Object.fromEntries(methods.map((name) => [name, tell(name)]));
  },
  catalog: () => ({ addSources: tell("addSources") }),
  circle: (...values) => ["circle", ...values.slice(0, 3)],
  graphicOverlay: () => ({ add: tell("add") }),
  source: (...place) => place,
  polygon: (ring) => ["polygon", ring.length],
};
"""
NEAR_M42 = "/?ra=83.82&dec=-5.39&radius=0.5"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveArchive]:
    """An archive with a frame of M 42, and one of M 31, that has the stand-in installed."""
    folder = tmp_path_factory.mktemp("aladin")
    (folder / "package" / "dist").mkdir(parents=True)
    (folder / "package" / "dist" / "aladin.js").write_text(STAND_IN)
    settings = {"ALADIN_LITE_DIR": str(folder / "package"), "ALADIN_SURVEY_URL": SURVEY}
    with running_archive(folder, **settings) as archive:
        for number, (ra, dec) in enumerate([(83.82, -5.39), (10.68, 41.27)]):
            path = folder / f"tfn1m001-jo01-20240219-000{number}-e00.fits"
            write_fits(path, OBSTYPE="EXPOSE", CRVAL1=ra, CRVAL2=dec, L1PUBDAT="2024-02-20")
            assert archive.ingest(path)["state"] == "archived"
        yield archive


def explore(page: Page) -> None:
    page.get_by_role("button", name="Explore in Aladin Lite").click()
    expect(page.locator(".sky-view")).to_be_visible()
    page.wait_for_function("window.told.at(-1)[0] === 'setFoV'")


def test_a_click_loads_it_and_shows_the_page(archive: LiveArchive, page: Page, requested_hosts: set[str]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(archive.url + NEAR_M42)
    page.get_by_text("On the sky", exact=True).click()
    assert [url for url in asked if "aladin" in url or "sky.js" in url] == []
    explore(page)
    assert asked[-1] == f"{archive.url}/static/aladin/aladin.js"
    assert requested_hosts == {archive.url.removeprefix("http://")}
    told = {name: values for name, *values in page.evaluate("window.told")}
    assert told["aladin"] == [{"log": False, "hipsList": [], "survey": []}]
    assert told["setBaseImageLayer"] == [SURVEY]
    assert [values for name, *values in page.evaluate("window.told") if name == "add"] == [
        [["polygon", 5]],
        [["circle", 83.82, -5.39, 0.5]],
    ]
    assert told["gotoRaDec"] == pytest.approx([83.82, -5.39], abs=0.01)
    assert 1 < told["setFoV"][0] < 10


def test_the_next_page_has_the_same_view(archive: LiveArchive, page: Page) -> None:
    page.goto(archive.url + NEAR_M42)
    page.get_by_text("On the sky", exact=True).click()
    explore(page)
    page.get_by_label("Search for").fill("M31")
    page.evaluate("window.told.push(['next'])")
    page.get_by_role("link", name="Clear").click()
    expect(page).to_have_url(f"{archive.url}/")
    explore(page)
    names = [name for name, *_ in page.evaluate("window.told")]
    assert names.count("aladin") == 1
    drawn = ["removeOverlays", "addOverlay", "addCatalog", "addSources", "add", "add"]
    assert names[names.index("next") :] == ["next", *drawn, "setProjection", "gotoRaDec", "setFoV"]


def test_a_module_that_does_not_start_is_told(archive: LiveArchive, page: Page) -> None:
    page.route("**/aladin.js", lambda route: route.abort())
    page.goto(archive.url + NEAR_M42)
    page.get_by_text("On the sky", exact=True).click()
    page.get_by_role("button", name="Explore in Aladin Lite").click()
    expect(page.get_by_text("Aladin Lite can't be shown")).to_be_visible()
    expect(page.get_by_role("button", name="Explore in Aladin Lite")).to_be_enabled()
