"""``make bench-pages``: what the search page weighs, and how soon a browser and a program have it."""

import datetime as dt
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import click
import jinja2
import requests
from playwright.sync_api import Browser, Page

from app.processes import PROJECT_DIR
from bench.gunicorns import running_gunicorn
from bench.loaded_archive import LoadedArchive, loaded_archive
from bench.machine import describe_machine
from bench.measuring import find_percentile
from bench.report import build_table, replace_section
from bench.search import DOCUMENT, build_columns
from bench.workers import BenchError
from tests.fixtures.browser import chromium
from tests.html_page import BROWSER
from tests.services import LOOPBACK, redis_server, temporary_folder

BOX = ("M42", "M 31 10'", "5:35:17 -5:23:28", "83.82 -5.39 0.2d", "NGC 7789", "M101 0.5d", "100.3 20.1 1d", "M87 20'")
CONDITIONS = (
    "",
    "site_id=coj",
    "reduction_level=91&site_id=cpt",
    "configuration_type=BIAS",
    "target_name=m",
    "limit=50&site_id=lsc&primary_optical_element=V",
    "intersects=BOX(83.8 -5.4, 2 1)",
)
ROWS = 50
COLUMNS = ("what", "", "mark")
WATCH = """
    window.largest = window.shifted = 0;
    const watch = (type, note) => new PerformanceObserver(
        (list) => list.getEntries().forEach(note)).observe({type, buffered: true});
    watch("largest-contentful-paint", (entry) => { window.largest = entry.startTime; });
    watch("layout-shift", (entry) => { window.shifted += entry.hadRecentInput ? 0 : entry.value; });
"""
SEARCH = """
    (text) => new Promise((resolve) => {
        const begin = performance.now(), box = document.getElementById("field-q");
        const painted = () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begin)));
        const changes = new MutationObserver(() => { changes.disconnect(); painted(); });
        changes.observe(document.body, {childList: true, subtree: true});
        box.value = text;
        box.form.requestSubmit();
    })
"""
Row = tuple[str, str, str]


class Visit:
    """A first visit to a page: what came, and when."""

    def __init__(self, browser: Browser, url: str) -> None:
        context = browser.new_context(viewport={"width": 1350, "height": 940})
        page, self.bytes, self.hosts = context.new_page(), [], set[str]()
        events = context.new_cdp_session(page)
        events.send("Network.enable")
        events.on("Network.loadingFinished", lambda event: self.bytes.append(int(event["encodedDataLength"])))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.add_init_script(WATCH)
        page.goto(url, wait_until="networkidle")
        self.largest_ms, self.shift = page.evaluate("[window.largest, window.shifted]")
        context.close()


def visit(browser: Browser, url: str, rounds: int) -> list[Row]:
    """Visit the search page as somebody new, a few times."""
    visits = [Visit(browser, url) for _ in range(rounds)]
    if {host for each in visits for host in each.hosts} != {urlsplit(url).netloc}:
        raise BenchError("The page asks another host.")
    return [
        ("cold transfer of /", f"{sum(visits[0].bytes) / 1000:.0f} kB", "60 kB"),
        ("requests of it", f"{len(visits[0].bytes)}", "8"),
        ("largest contentful paint", _tell_ms([each.largest_ms for each in visits]), "600 ms"),
        ("cumulative layout shift", f"{max(each.shift for each in visits):.3f}", "0.02"),
    ]


def search_in(page: Page, url: str, rounds: int) -> list[float]:
    """Return how long searches take in a browser, from Enter to the painted table, in milliseconds."""
    page.goto(url, wait_until="networkidle")
    took_ms = []
    for text in BOX * rounds:
        took_ms.append(page.evaluate(SEARCH, text))
        page.wait_for_load_state("networkidle")
    return took_ms


def ask(url: str, rounds: int) -> list[float]:
    """Return how long pages with their facets take over HTTP, in milliseconds."""
    paths = [f"{url}/?{query}" for query in CONDITIONS] + [f"{url}/?q={quote(text)}" for text in BOX]
    took_ms = []
    for path in paths * rounds:
        took_ms.append(_time(lambda path=path: requests.get(path, headers=BROWSER, timeout=60).raise_for_status()))
    return took_ms


def render(archive: LoadedArchive, rounds: int) -> list[float]:
    """Return how long Jinja takes for a page of results, in milliseconds."""
    client, took_ms, render = archive.app.test_client(), [], jinja2.Template.render

    def timed(self: jinja2.Template, *values: Any, **named: Any) -> str:
        texts: list[str] = []
        took_ms.append(_time(lambda: texts.append(render(self, *values, **named))))
        return texts[0]

    with patch.object(jinja2.Template, "render", timed):
        for _ in range(5 * rounds):
            client.get(f"/?limit={ROWS}", base_url="http://127.0.0.1", headers=BROWSER)
    return took_ms[rounds:]  # the first ones compile the templates


def _time(what: Callable[[], object]) -> float:
    begin_s = time.perf_counter()
    what()
    return 1000 * (time.perf_counter() - begin_s)


def _tell_ms(took_ms: Sequence[float]) -> str:
    return f"{statistics.median(took_ms):.0f} ms, p95 {find_percentile(sorted(took_ms), 0.95):.0f} ms"


@click.command()
@click.option("--frames", default=1_000_000, show_default=True, help="How many, where none are loaded yet.")
@click.option("--database", type=click.Choice(["postgresql", "sqlite"]), default="postgresql", show_default=True)
@click.option("--url", help="A PostgreSQL database that is loaded, or empty, in place of one of the bench's own.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder that keeps the archive for the next run.")
@click.option("--rounds", default=6, show_default=True, help="How often each thing is done; the median is told.")
@click.option("--write", is_flag=True, help=f"Write the table into {DOCUMENT.relative_to(PROJECT_DIR)}.")
def main(frames: int, database: str, url: str | None, keep: Path | None, rounds: int, write: bool) -> None:
    """Measure the search page, and print the table."""
    with ExitStack() as stack:
        scratch = stack.enter_context(temporary_folder())
        redis = stack.enter_context(redis_server())
        folder = (keep or scratch).resolve()
        say = partial(click.echo, err=True)
        archive = stack.enter_context(loaded_archive(frames, database, url, folder, redis.url, say))
        with archive.app.app_context():
            build_columns(archive)
        rendered_ms = render(archive, rounds)
        server = stack.enter_context(running_gunicorn(archive.settings, scratch / "web.log"))
        address, browser = f"http://{LOOPBACK}:{server.port}", stack.enter_context(chromium())
        pages_ms = ask(address, rounds)
        rows = visit(browser, f"{address}/", rounds)
        searches_ms = search_in(browser.new_page(), f"{address}/", rounds)
    rows += [
        ("search in a browser, from Enter to the painted table", _tell_ms(searches_ms), "p95 300 ms"),
        ("page with its facets, over HTTP", _tell_ms(pages_ms), "p95 500 ms"),
        (f"Jinja, {ROWS} rows", _tell_ms(rendered_ms), "30 ms"),
    ]
    report = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}. {describe_machine()}.\n\n{build_table(COLUMNS, rows)}"
    click.echo(report)
    if write:
        replace_section(DOCUMENT, "pages", report)


if __name__ == "__main__":
    main()
