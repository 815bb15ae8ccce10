"""The operator's pages in a browser, after a bad night."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.bad_night import serving_bad_night

PAGES = ("/ingest", "/ingest/jobs?state=failed&limit=3", "/ingest/jobs/1", "{failed}")


@pytest.fixture(scope="module")
def night_url(tmp_path_factory: pytest.TempPathFactory, redis_server_url: str) -> Iterator[str]:
    with serving_bad_night(tmp_path_factory.mktemp("night"), redis_server_url.removesuffix("/0") + "/2") as url:
        yield url


@pytest.fixture(scope="module")
def logged_in(browser: Browser, night_url: str) -> StorageState:
    """The cookies of an operator who asked for the page, was led to log in, and back."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{night_url}/ingest")
        page.get_by_label("Name").fill("operator")
        page.get_by_label("Password").fill("operator")
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(page).to_have_url(f"{night_url}/ingest")
        return context.storage_state()


@pytest.fixture
def page(browser: Browser, logged_in: StorageState) -> Iterator[Page]:
    with browser.new_context(storage_state=logged_in) as context:
        yield context.new_page()


@pytest.fixture
def plain_page(browser: Browser, logged_in: StorageState) -> Iterator[Page]:
    """A page without JavaScript."""
    with browser.new_context(storage_state=logged_in, java_script_enabled=False) as context:
        yield context.new_page()


def find_failed(page: Page, night_url: str) -> str:
    page.goto(f"{night_url}/ingest/jobs?error_code=store.unavailable&state=failed")
    return page.locator("tbody a").first.get_attribute("href") or ""


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_violation_and_a_small_screen_scrolls_one_way_only(page: Page, night_url: str, path: str) -> None:
    address = night_url + path.format(failed=find_failed(page, night_url))
    for color_scheme, width in (("light", 320), ("dark", 1280)):
        page.emulate_media(color_scheme=color_scheme)
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(address)
        for details in page.locator("summary").all():
            details.click()
        results = Axe().run(page)
        assert results.violations_count == 0, f"{color_scheme}: {results.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_an_operator_sees_what_is_wrong_and_tries_one_and_all_again(plain_page: Page, night_url: str) -> None:
    page = plain_page
    page.goto(f"{night_url}/ingest")
    expect(page.get_by_text("the file store does not answer (store.unavailable)")).to_be_visible()
    expect(page.get_by_role("img", name="Lag of files from tfn")).to_be_visible()
    page.get_by_role("link", name="fits.truncated").click()
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("will be tried again")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).not_to_be_visible()
    page.goto(f"{night_url}/ingest")
    page.get_by_role("button", name=re.compile("Try all .* again with fits.truncated")).click()
    expect(page.get_by_text("files with fits.truncated will be tried again.")).to_be_visible()
    expect(page.get_by_role("link", name="fits.truncated")).not_to_be_visible()
