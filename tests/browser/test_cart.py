"""Frames into the cart and home, with JavaScript and without."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.fits_factory import write_fits
from tests.live import LiveArchive

NAMES = ("coj1m011-kb05-20240219-0051-e91", "coj1m011-kb05-20240219-0052-e91")
SEARCH = "/?basename=20240219-005"


@pytest.fixture(scope="module")
def files(live_archive: LiveArchive, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The MD5s of two public frames' files, by their names."""
    folder = tmp_path_factory.mktemp("cart")
    paths = [
        write_fits(folder / f"{name}.fits.fz", compressed=True, L1PUBDAT="2024-02-20", TITLE=name) for name in NAMES
    ]
    for job in [live_archive.submit(path) for path in paths]:
        live_archive.wait(job)
    return {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("has_javascript", [True, False])
def test_from_the_search_to_the_files(
    browser: Browser, live_archive: LiveArchive, files: dict[str, str], tmp_path: Path, has_javascript: bool
) -> None:
    page = browser.new_context(java_script_enabled=has_javascript).new_page()
    page.goto(live_archive.url + SEARCH)
    page.evaluate("document.body.dataset.loaded = 'once'") if has_javascript else None
    page.get_by_role("button", name="Add these 2 to the cart").click()
    expect(page.get_by_text("2 frames added to the cart.")).to_be_visible()
    page.get_by_role("button", name=f"Remove {NAMES[1]}").click()
    expect(page.locator(".site-cart")).to_contain_text("1 frame,")
    page.get_by_role("button", name=f"Add {NAMES[1]}").click()
    expect(page.locator(".site-cart")).to_contain_text("2 frames,")
    assert (page.locator("body[data-loaded=once]").count() == 1) == has_javascript
    page.locator(".site-cart").click()
    with page.expect_download() as zipped:
        page.get_by_role("link", name="Zip").click()
    with zipfile.ZipFile(zipped.value.path()) as archive:
        contents = {Path(name).name: archive.read(name) for name in archive.namelist()}
    assert {name: hashlib.md5(contents[name]).hexdigest() for name in files} == files
    with page.expect_download() as script:
        page.get_by_role("link", name="Shell script").click()
    script.value.save_as(tmp_path / "download.sh")
    subprocess.run(["dash", "download.sh"], cwd=tmp_path, check=True, timeout=60)
    assert {name: hashlib.md5((tmp_path / name).read_bytes()).hexdigest() for name in files} == files
    page.get_by_role("button", name="Empty the cart").click()
    expect(page.locator(".site-cart")).to_contain_text("0 frames")
    page.context.close()
