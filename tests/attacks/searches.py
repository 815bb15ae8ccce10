"""Attacks by the values of parameters: on the database, on templates, and on the patience of parsers."""

import itertools
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import marshmallow as ma

from app.frames.search import AggregateSchema, SearchSchema
from app.ingest.schemas import JobSearchSchema
from app.thumbnails.schemas import ThumbnailSearchSchema
from app.versions.schemas import VersionSearchSchema
from tests.attacks.attack import Chapter
from tests.attacks.attacker import HTML, Answer, Attacker
from tests.attacks.site import SCRIPT, Site
from tests.frames_factory import A_FRAME

SEARCHES = Chapter("What is searched for")
#: Each would find something, wait, or fail, if it got into a statement.
SQL = (
    "' OR '1'='1' --",
    '" OR ""="',
    "1 OR 1=1",
    "'; SELECT pg_sleep(60); --",
    "' UNION SELECT password_hash FROM user_account --",
    "%' ESCAPE '\\",
    "$1 :name %(name)s ?",
    "USERID') IS NOT NULL OR json_extract(data, '$.X",
)
NEUTRAL = "of-none-of-them"
NOTHING_FOUND = {"count": 0, "results": []}


def send_each(
    attacker: Attacker, path: str, schema: type[ma.Schema], payloads: Sequence[str] = SQL[::3]
) -> Iterator[Answer]:
    """Send each payload in each parameter of an address: it must find what a word finds that stands nowhere."""
    for name in schema().load_fields:
        expected = attacker.get(f"{path}?{name}={NEUTRAL}")
        for payload in payloads:
            answer = attacker.get(f"{path}?{name}={quote(payload)}")
            assert answer.status == expected.status, (name, payload, answer)
            if answer.status == 200:
                assert _found(answer) == _found(expected), (name, payload, answer)
            yield answer


def _found(answer: Answer) -> object:
    found = answer.json
    return found.get("count", {name: value for name, value in found.items() if name != "generated_at"})


@SEARCHES.add(
    "SQL and JSON paths in every parameter of a search",
    "rows that the search does not find",
    "200, 400 `bad_parameter`",
)
def inject_into_search(site: Site) -> Iterator[Answer]:
    yield from send_each(site.nobody, "/frames/", SearchSchema, SQL)


@SEARCHES.add("the same in facets, thumbnails, versions and jobs", "the same", "200, 400 `bad_parameter`")
def inject_into_others(site: Site) -> Iterator[Answer]:
    yield from send_each(site.nobody, "/frames/aggregate/", AggregateSchema)
    yield from send_each(site.nobody, "/thumbnails/", ThumbnailSearchSchema)
    yield from send_each(site.holder("telescope"), "/versions/", VersionSearchSchema)
    yield from send_each(site.holder("telescope"), "/ingest/jobs", JobSearchSchema)


@SEARCHES.add(
    "SQL in an address, a name, a password, a token, a session",
    "to be let in",
    "400 `bad_credentials`, 400 `csrf`, 401 `bad_token`, 401 `not_logged_in`, 404 `not_found`",
)
def inject_elsewhere(site: Site) -> Iterator[Answer]:
    for payload in SQL[:3]:
        yield site.nobody.ask("POST", "/api-token-auth/", json={"username": payload, "password": payload})
    for payload in SQL:
        yield site.nobody.get(f"/frames/{quote(payload, safe='')}/")
        yield site.nobody.get("/frames/", {"Authorization": f"Token {payload}"})
        yield site.nobody.get("/account", site.cookie(quote(payload)))
        yield site.nobody.ask("POST", "/login", form={"username": payload, "password": payload})


@SEARCHES.add("%, _ and \\ in a search for a part of a name", "every name at once", "200")
def use_wildcards(site: Site) -> Iterator[Answer]:
    for name, sign in itertools.product(("basename", "target_name"), ("%25%25", "__", "\\", "%25_%25", "[a-z]", ".*")):
        answer = site.nobody.get(f"/frames/?{name}={sign}&exclude_OBSTYPE={quote(SCRIPT)}")
        found = [frame["basename"] for frame in answer.json["results"]]
        assert not [basename for basename in found if "%2e" not in basename], (sign, found)
        yield answer


@SEARCHES.add("templates, such as {{7*7}}, in every parameter of the page", "code run by the server", "200, 400")
def inject_templates(site: Site) -> Iterator[Answer]:
    for name in SearchSchema().load_fields:
        answer = site.nobody.get(f"/?{name}={quote('{{191*193}}${191*193}#{191*193}<%=191*193%>{%debug%}')}", HTML)
        assert "36863" not in answer.text
        yield answer


@SEARCHES.add(
    "scripts in every parameter of the page, and of each other one", "code run by a reader's browser", "200, 400, 404"
)
def reflect_scripts(site: Site) -> Iterator[Answer]:
    payload = quote(f"\"'></title></script>{SCRIPT}<script>alert(1)</script>")
    addresses = [f"/?{name}={payload}" for name in SearchSchema().load_fields]
    addresses += [f"/?{payload}={payload}", f"/{payload}", f"/login?next=/{payload}", f"/redoc/?{payload}"]
    addresses += [f"/frames/{site.frames['public']}/?header={payload}", f"/downloads/{payload}/{payload}"]
    for address in addresses:
        answer = site.nobody.get(address, HTML)
        assert "<img src=x" not in answer.text, address
        assert "<script>" not in answer.text, address
        assert answer.get("Content-Type").startswith("text/html"), address
        yield answer


@SEARCHES.add("NUL, halves of signs and 8,000 signs in every parameter", "a fault", "200, 400 `bad_parameter`")
def send_odd_texts(site: Site) -> Iterator[Answer]:
    for name, text in itertools.product(SearchSchema().load_fields, ("a%00b", "%ED%A0%80", "%FF", "a" * 8000)):
        yield site.nobody.get(f"/frames/?{name}={text}")


@SEARCHES.add(
    "texts that make an expression try every way: 8 kB of digits, blanks, brackets",
    "minutes of the server's time",
    "400 `bad_parameter`",
)
def exhaust_expressions(site: Site) -> Iterator[Answer]:
    for sign in ("1", "1.", "1 ", " ", "(", "+", "1e", "-1.1e1", "%20%09", "1:", "d", "1d1'1"):
        many = quote((sign * 8000)[:2600], safe="%")
        yield site.nobody.get(f"/frames/?covers=POINT({many}x")
        yield site.nobody.get(f"/frames/?intersects=POLYGON(({many}x")
        yield site.nobody.get(f"/frames/?start={many}x")
        yield site.nobody.get(f"/frames/?position={quote((sign * 190)[:190], safe='%')}x~")
    for sign in ("/downloads/", "token=", "://", "bearer%20"):  # what is sought in each line of the log
        yield site.nobody.get(f"/frames/?x={(sign * 4000)[:8000]}")


@SEARCHES.add(
    "a limit, an offset, a radius, a number beyond all bounds", "memory, or a fault", "200, 400 `bad_parameter`"
)
def exceed_bounds(site: Site) -> Iterator[Answer]:
    for name in ("limit", "offset", "radius", "ra", "dec", "exposure_time", "observation_id", "reduction_level"):
        for value in ("-1", "9" * 19, "9" * 30, "9" * 5000, "1e308", "1e999", "nan", "inf", "0x10", "1_000", "%D9%A3"):
            answer = site.nobody.get(
                f"/frames/?ra=1&dec=1&{name}={value}" if name in {"radius"} else f"/frames/?{name}={value}"
            )
            assert len(answer.body) < 200_000, (name, value)
            yield answer


@SEARCHES.add(
    "a polygon with 10,000 corners, in an address and in a record, and one of 900 that crosses itself",
    "minutes of the server's time",
    "400 `bad_parameter`, 431",
)
def send_polygons(site: Site) -> Iterator[Answer]:
    corners = [(10 + number % 7 + number % 10 / 10, number % 5) for number in range(10_000)]
    for count in (10_000, 900):
        ring = ",".join(f"{ra}+{dec}" for ra, dec in [*corners[:count], corners[0]])
        yield site.nobody.get(f"/frames/?intersects=POLYGON(({ring}))")
    area = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    yield site.holder("telescope").ask("POST", "/frames/", json={**A_FRAME, "basename": "corners", "area": area})
