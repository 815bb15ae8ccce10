"""Attacks on whoever looks at a page, tried in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from tests.attacks.attack import Chapter
from tests.attacks.attacker import HIDDEN, HTML, Answer
from tests.attacks.site import ODD_NAMES, SCRIPT, Site
from tests.scripted_server import scripted_server
from tests.services import LOOPBACK

PAGES = Chapter("Pages in a browser")
READ = """async ([address, credentials]) => {
    try { return await (await fetch(address, {credentials})).text() } catch (error) { return "refused" }
}"""
BREAK_IN = """() => {
    document.body.insertAdjacentHTML("beforeend", "<img src=/nowhere onerror=alert(1)>")
    for (const source of ["", "data:text/javascript,alert(2)", "http://localhost:9/evil.js"]) {
        const script = document.createElement("script")
        source ? script.src = source : script.text = "alert(3)"
        document.body.append(script)
    }
}"""
NO_SCRIPT_RAN = "no script ran"
REFUSED = "refused by the browser"


@contextmanager
def browsing(site: Site, username: str = "", **options: bool) -> Iterator[tuple[Page, list[str]]]:
    """Give a page of a browser, logged in, and a list of what its scripts say."""
    with site.browser.new_context(user_agent=SCRIPT, **options) as context:
        page, said = context.new_page(), []
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        if username:
            page.goto(f"{site.archive.url}/login")
            page.get_by_label("Name").fill(username)
            page.get_by_label("Password").fill(username)
            page.get_by_role("main").get_by_role("button", name="Log in").click()
            page.wait_for_url(f"{site.archive.url}/")
        yield page, said


@contextmanager
def visiting_elsewhere(page: Page, html: str) -> Iterator[None]:
    """Go to a page of the attackers' own site: localhost is another than 127.0.0.1, as any two names are."""
    with scripted_server() as elsewhere:
        elsewhere.answer((200, f"<!doctype html><title>Elsewhere</title>{html}"), (404, ""))  # the second is its icon
        page.goto(elsewhere.url.replace(LOOPBACK, "localhost"))
        yield


def list_pages(site: Site) -> list[str]:
    """Return an address of each page that there is, from the list of routes, and more of those that show much."""
    frame, job = site.frames[f"scripts {SCRIPT}"], site.broken_job
    numbers = {
        "frame_id": frame,
        "job_id": job,
        "token": "x",
        "filename": SCRIPT,
        "size": "small",
        "thumbnail_id": 1,
        "version_id": 1,
        "search_id": 1,
        "ending": "csv",
        "night": "2024-02-19",
    }
    routes = site.app.url_map.bind("x")
    others = {"static", "nights_views.stream_changes"}  # which never ends
    rules = [rule for rule in site.app.url_map.iter_rules() if "GET" in rule.methods and rule.endpoint not in others]
    paths = [routes.build(rule.endpoint, {name: numbers[name] for name in rule.arguments}) for rule in rules]
    shown = [path for path in paths if site.operator.get(path, HTML).get("Content-Type").startswith("text/html")]
    return [*shown, "/?limit=100", f"/frames/{site.frames[ODD_NAMES[0]]}/", "/ingest/jobs?state=failed"]


@PAGES.add(
    f"scripts in {12} header fields, a file's name, a browser's name, a token's name, on every page",
    "code run by an operator's browser",
    NO_SCRIPT_RAN,
)
def run_scripts(site: Site) -> Iterator[str]:
    """The browser is told to pass over the Content-Security-Policy: what is shown must be harmless without it."""
    site.log_in("operator").post("/account/tokens", {"name": SCRIPT, "scope": "read"})
    with browsing(site, "operator", bypass_csp=True) as (page, said):
        shown = ""
        for path in list_pages(site):
            page.goto(site.archive.url + path)
            assert page.locator("[onerror]").count() == 0, path
            assert page.locator("script:not([src])").count() == 0, path
            shown += path + "\n" if SCRIPT in page.inner_text("body") else ""
        assert said == []
    assert len(shown.split()) >= 6, shown  # it was there to be run
    yield NO_SCRIPT_RAN


@PAGES.add(
    "a script that gets into a page none the less: in the text, as an attribute, as a data: address",
    "the same",
    NO_SCRIPT_RAN,
)
def break_policy(site: Site) -> Iterator[str]:
    with browsing(site) as (page, said):
        for path in ("/", f"/frames/{site.frames['public']}/", "/login", "/redoc/", "/nowhere"):
            page.goto(site.archive.url + path)
            page.evaluate(BREAK_IN)
            page.wait_for_timeout(100)
        assert said == []
    yield NO_SCRIPT_RAN


@PAGES.add("a page of the archive in a frame of another site", "clicks that are meant for something else", REFUSED)
def frame_pages(site: Site) -> Iterator[str]:
    with browsing(site, "operator") as (page, _):
        html = "".join(f"<iframe src='{site.archive.url}{path}'></iframe>" for path in ("/", "/account", "/ingest"))
        with visiting_elsewhere(page, html):
            framed = page.frames[1:]
            assert len(framed) == 3
            assert not [frame for frame in framed if frame.locator("main").count()]
    yield REFUSED


@PAGES.add("another site's script that reads the archive with its reader's session", "what the reader may see", REFUSED)
def read_across(site: Site) -> Iterator[str]:
    with browsing(site, "victim") as (page, _), visiting_elsewhere(page, ""):
        for path in ("/frames/", f"/frames/{site.frames[HIDDEN]}/", "/profile/", "/account"):
            assert page.evaluate(READ, [site.archive.url + path, "include"]) == "refused", path
        told = page.evaluate(READ, [f"{site.archive.url}/frames/?limit=1000", "omit"])
        assert HIDDEN not in told
        assert '"results"' in told  # as nobody, any site may ask
    for origin in ("null", "https://evil.example", site.archive.url):
        answer = site.nobody.get("/frames/", {"Origin": origin})
        assert (answer.get("Access-Control-Allow-Origin"), answer.get("Access-Control-Allow-Credentials")) == ("*", "")
    yield REFUSED


@PAGES.add(
    "a form of another site that a browser sends by itself, to log out, to make a token, to log in",
    "that a user does something",
    REFUSED,
)
def post_across(site: Site) -> Iterator[str]:
    forms = {
        "/logout": {},
        "/account/tokens": {"name": "evil", "scope": "read"},
        "/login": {"username": "member", "password": "member"},
    }
    with browsing(site, "victim") as (page, _):
        for path, values in forms.items():
            fields = "".join(f"<input name='{name}' value='{value}'>" for name, value in values.items())
            html = f"<form method=post action='{site.archive.url}{path}'>{fields}</form>"
            with visiting_elsewhere(page, html), page.expect_navigation():
                page.evaluate("document.forms[0].submit()")
            assert "CSRF" in page.inner_text("body"), path
        page.goto(f"{site.archive.url}/account")
        assert "victim" in page.inner_text("h1, header")
        assert "evil" not in page.inner_text("main")
    yield REFUSED


@PAGES.add("a stored file used as a script, or as a page", "code run as the archive's own", NO_SCRIPT_RAN)
def sniff(site: Site) -> Iterator[str | Answer]:
    link = site.link("public")
    picture = f"/frames/{site.frames['public']}/previews/small.jpg"
    with browsing(site) as (page, said):
        html = "".join(f"<script src='{site.archive.url}{path}'></script>" for path in (link, picture, "/frames/"))
        with visiting_elsewhere(page, html):
            assert said == []
        page.goto(f"{site.archive.url}{picture}")
        assert said == []
    yield NO_SCRIPT_RAN


@PAGES.add("the headers of every page, and of every error", "one that lacks them", "all there")
def look_for_gaps(site: Site) -> Iterator[str]:
    for path in [*list_pages(site), "/nowhere", "/frames/999999/"]:
        answer = site.operator.get(path, HTML)
        policy = answer.get("Content-Security-Policy")
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert answer.get("X-Content-Type-Options") == "nosniff", path
    yield "all there"
