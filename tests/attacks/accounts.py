"""Attacks on accounts: sessions, tokens, passwords, and what other sites make a browser send."""

import base64
import itertools
import json
import pickle
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from sqlalchemy import select

from app.accounts.actions import set_password, switch_off
from app.accounts.models import ApiToken, User
from app.accounts.queries import get_user
from app.accounts.viewer import SESSION_KEY
from app.extensions import db
from tests.attacks.attack import Chapter
from tests.attacks.attacker import HIDDEN, HTML, Answer
from tests.attacks.site import SECRET_KEY, Session, Site

ACCOUNTS = Chapter("Accounts, sessions and other sites")
EVIL = "https://evil.example"


def list_forms(site: Site) -> list[str]:
    """Return a path for every route that takes a POST, filled in."""
    rules = [rule for rule in site.app.url_map.iter_rules() if "POST" in rule.methods]
    return [site.app.url_map.bind("x").build(rule.endpoint, dict.fromkeys(rule.arguments, 1)) for rule in rules]


@ACCOUNTS.add("a session planted before its user logs in", "their session", "302, 401 `not_logged_in`")
def fixate(site: Site) -> Iterator[Answer]:
    planted = Session(site.nobody)
    planted.get("/login")
    mine = site.log_in("member").cookie
    for cookie in (planted.cookie, mine, site.cookie("chosen-by-me")["Cookie"]):
        session = Session(site.victim, cookie)
        answer = session.post("/login", {"username": "victim", "password": "victim"})
        assert session.cookie != cookie
        yield answer
    yield site.nobody.get("/account", {"Cookie": planted.cookie})
    yield site.nobody.get("/account", site.cookie("chosen-by-me"))
    assert "victim" not in site.nobody.get("/account", {"Cookie": mine, **HTML}).text


@ACCOUNTS.add(
    "a session of one's own making: another key, no key, another purpose, a wrong time, a pickle",
    "to be somebody",
    "401 `not_logged_in`",
)
def forge_session(site: Site) -> Iterator[Answer]:
    content = {SESSION_KEY: "guessed", "_user_id": "1", "is_admin": True}
    interface = SecureCookieSessionInterface
    options = {"salt": interface.salt, "serializer": interface.serializer}
    options["signer_kwargs"] = {"key_derivation": interface.key_derivation, "digest_method": interface.digest_method}
    cookies = [
        URLSafeTimedSerializer("another key", **options).dumps(content),
        URLSafeTimedSerializer("", **options).dumps(content),
        URLSafeTimedSerializer(SECRET_KEY, **options).dumps(content),  # even who has the key must guess the session's
        URLSafeTimedSerializer(SECRET_KEY, salt="downloads.version").dumps(content),
        TimestampSigner(SECRET_KEY, salt="cookie-session").sign(pickle.dumps(content)).hex(),
        base64.b64encode(json.dumps(content).encode()).decode() + "..",
        site.log_in("victim").cookie.partition("=")[2][:-1],
        "",
        "%00",
        "." * 4000,
    ]
    for cookie in cookies:
        yield site.nobody.get("/account", site.cookie(cookie))


@ACCOUNTS.add(
    "a session's cookie from a neighbouring host, or for a script's eyes",
    "that a user works in another's account, or their session",
    "200, 401 `not_logged_in`",
)
def toss_cookie(site: Site) -> Iterator[Answer]:
    name, _, value = site.log_in("member").cookie.partition("=")
    yield site.nobody.get("/account", {"Cookie": f"{name.removeprefix('__Host-')}={value}"})
    answer = site.nobody.get("/login", HTML)
    given, *attributes = answer.get("Set-Cookie").split("; ")
    assert given.startswith("__Host-")  # browsers take such a one from this very host only
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} == set(attributes)
    yield answer


@ACCOUNTS.add(
    "a copied session, used after its user logged out, logged out everywhere, got a new password, was disabled",
    "to stay logged in",
    "401 `not_logged_in`",
)
def keep_session(site: Site) -> Iterator[Answer]:
    site.archive.add_user("leaver")

    def copied() -> tuple[Session, dict[str, str]]:
        session = site.log_in("leaver")
        assert session.get("/account").status == 200
        return session, {"Cookie": session.cookie}

    for path in ("/logout", "/account/log-out-everywhere"):
        session, stolen = copied()
        session.post(path, {})
        yield site.nobody.get("/account", stolen)
    _, stolen = copied()
    with site.app.app_context():
        set_password(get_user("leaver"), "leaver")
        db.session.commit()
    yield site.nobody.get("/account", stolen)
    _, stolen = copied()
    with site.app.app_context():
        switch_off(get_user("leaver"))
        db.session.commit()
    yield site.nobody.get("/account", stolen)


@ACCOUNTS.add("15 passwords for one account", "to guess it", "400 `bad_credentials`, 429 `throttled`")
def guess_passwords(site: Site) -> Iterator[Answer]:
    site.archive.add_user("guessed")
    for number in range(15):
        yield site.nobody.ask("POST", "/api-token-auth/", json={"username": "guessed", "password": f"guess {number}"})


@ACCOUNTS.add(
    "names that exist, that don't, that are disabled, with a wrong password",
    "a list of who has an account, from the answer or its time",
    "400 `bad_credentials`",
)
def enumerate_users(site: Site) -> Iterator[Answer]:
    took: dict[str, list[float]] = {"victim": [], "nobody-here": [], "disabled": []}
    said = set()
    for _ in range(4):
        for name, times in took.items():
            begun = time.perf_counter()
            answer = site.nobody.ask("POST", "/api-token-auth/", json={"username": name, "password": "wrong"})
            times.append(time.perf_counter() - begun)
            said.add(answer.json["detail"])
            yield answer
    assert len(said) == 1
    fastest = [min(times) for times in took.values()]
    assert min(fastest) > max(fastest) / 3, took  # the hash of a password takes ten times as long as all the rest


@ACCOUNTS.add(
    "a form without its CSRF token, with another's or an old one, for every POST there is",
    "that a user's browser does something for another site",
    "400 `bad_parameter`, 400 `csrf`, 401 `not_logged_in`, 404 `bad_link`",
)
def forge_forms(site: Site) -> Iterator[Answer]:
    session = site.log_in("operator")
    others = Session(site.nobody).csrf_token
    headers = {"Cookie": session.cookie, "Origin": EVIL, "Referer": f"{EVIL}/"}
    for path, form in itertools.product(
        list_forms(site), ({}, {"csrf_token": others}, {"csrf_token": ""}, {"csrf_token": "ImEi.x.y"})
    ):
        yield site.victim.ask("POST", path, headers, form={"username": "operator", **form})


@ACCOUNTS.add(
    "JSON as text/plain, or as a form, with a user's session, for every POST there is",
    "the same",
    "400 `bad_list`, 400 `bad_parameter`, 400 `csrf`, 401 `not_logged_in`, 404 `bad_link`",
)
def confuse_content_types(site: Site) -> Iterator[Answer]:
    session = site.log_in("operator")
    body = json.dumps({"username": "operator", "frame_ids": [1], "basename": "x", "jobs": []}).encode()
    for path, content_type in itertools.product(
        list_forms(site),
        ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""),
    ):
        headers = {"Cookie": session.cookie, "Origin": EVIL, "Content-Type": content_type}
        yield site.victim.ask("POST", path, headers, body=body)


@ACCOUNTS.add(
    "log-in with a next of //evil, /\\evil, https:…, encoded, with control signs (16 ways)",
    "a link to the archive that leads elsewhere",
    "200, 302",
)
def redirect(site: Site) -> Iterator[Answer]:
    destinations = (
        *("//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "https:evil.example"),
        *(
            "///evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/%09/evil.example",
        ),
        *("javascript:alert(1)", "data:text/html,x", "evil.example", "@evil.example", "//evil.example@127.0.0.1"),
    )
    for destination in destinations:
        form = site.nobody.get(f"/login?next={quote(destination)}", HTML)
        assert re.search(r'name="next" value="([^"]*)"', form.text)[1] in {"/", "/%09/evil.example"}, destination
        yield form
    for destination in destinations[:3]:
        answer = Session(site.nobody).post("/login", {"username": "member", "password": "member", "next": destination})
        assert answer.get("Location") == "/", answer
        yield answer


@ACCOUNTS.add("the number of another user's token, to revoke it", "to shut somebody out", "404")
def revoke_others(site: Site) -> Iterator[Answer]:
    session = site.log_in("member")
    with site.app.app_context():
        others = select(ApiToken.id).join(User).where(User.username != "member")
        numbers = db.session.scalars(others).all()
    for number in (*numbers, 10**9):
        yield session.post(f"/account/tokens/{number}/revoke", {})
    assert site.victim.get("/profile/", site.holder("victim").headers).json["username"] == "victim"


@ACCOUNTS.add(
    "is_admin, scope, user_id and others added to every form and body",
    "an operator's rights",
    "200, 201, 400, 400 `bad_parameter`, 403, 403 `not_allowed`",
)
def assign_more(site: Site) -> Iterator[Answer]:
    more = {
        "is_admin": "true",
        "is_staff": "1",
        "user_id": "1",
        "scope": "admin",
        "role": "admin",
        "proposals": f"{HIDDEN}-propid",
    }
    session = site.log_in("member")
    yield session.post("/account/tokens", {"name": "more", **more})
    yield session.post("/account/tokens", {"name": "more", **more, "scope": "ingest"})
    yield session.post("/account/tokens", {"name": "less", **more, "scope": "read"})
    yield session.post("/account/password", {"old_password": "member", "new_password": "x", "again": "x", **more})
    yield session.post("/proposals/members", {"proposal_id": f"{HIDDEN}-propid", "username": "member", **more})
    for name in ("member", "reader", "telescope"):
        attacker = site.holder(name)
        yield attacker.ask("POST", "/api-token-auth/", json={"username": "member", "password": "member", **more})
        yield attacker.ask("POST", "/frames/", json={"basename": "of-mine", "id": site.frames[HIDDEN], **more})
        yield attacker.get("/profile/?is_staff=true")
    assert site.operator.get(f"/frames/{site.frames[HIDDEN]}/").json["basename"] == HIDDEN
    profile = site.holder("member").get("/profile/").json
    assert (profile["is_staff"], profile["profile"]["proposals"]) == (False, ["OPEN2024A-001"])


@ACCOUNTS.add(
    "tokens of other schemes, empty, null, in odd letters, of 8 kB, with a wildcard", "to be let in", "401 `bad_token`"
)
def guess_tokens(site: Site) -> Iterator[Answer]:
    own = site.tokens["member"]
    for value in (
        *(
            "Token",
            "Token null",
            "Token undefined",
            "Token *",
            "Token %",
            "Token 0",
            "Bearer",
            "Basic bWVtYmVyOm1lbWJlcg==",
        ),
        *(
            f"Token {own[:-1]}",
            f"Token {own}x",
            f"Token {own.swapcase()}",
            f"Digest {own}",
            f"{own}",
            "Token \xff\xfe",
            "Token " + "x" * 7000,
        ),
    ):
        yield site.nobody.get("/frames/", {"Authorization": value})


@ACCOUNTS.add(
    "what only operators may do, as nobody, as a user, by tokens of less scope",
    "to do it",
    "400 `csrf`, 401 `not_logged_in`, 403 `not_allowed`",
)
def climb(site: Site) -> Iterator[Answer]:
    for attacker in (site.nobody, *map(site.holder, ("member", "reader", "telescope"))):
        for path in ("/metrics", "/ingest", "/proposals"):
            yield attacker.get(path)
        for path in ("/ingest/try-again", "/proposals/members", "/proposals/members/remove"):
            yield attacker.ask("POST", path, form={"error_code": "x"})


@ACCOUNTS.add(
    "/health/, /ready, /metrics, /openapi/, and the errors of all the others",
    "names, versions, paths, addresses of the inside",
    "200, 401 `not_logged_in`, 404 `not_found`",
)
def look_inside(site: Site) -> Iterator[Answer]:
    secrets = [
        SECRET_KEY,
        *site.tokens.values(),
        str(site.archive.data_dir),
        *site.archive.settings.get("DATABASE_URL", "").split("?")[:1],
    ]
    for path in (
        "/health/",
        "/ready",
        "/openapi/",
        "/metrics",
        "/.env",
        "/.git/config",
        "/admin",
        "/debug",
        "/console",
    ):
        answer = site.nobody.get(path)
        assert not [secret for secret in secrets if secret and secret in answer.text], path
        yield answer
    metrics = site.operator.get("/metrics").text
    logs = "".join(log.read_text() for log in (site.archive.data_dir / "log").iterdir())
    assert not [secret for secret in secrets[:-2] if secret in metrics + logs]


@ACCOUNTS.add(
    "a pickle wherever a text is taken",
    "code run by the server or a worker",
    "202, 400 `bad_parameter`, 401 `not_logged_in`, 404 `link_invalid`",
)
def send_pickle(site: Site) -> Iterator[Answer]:
    proof = site.folder / "proof"
    text = base64.urlsafe_b64encode(pickle.dumps(_Touch(proof))).decode().rstrip("=")
    yield site.nobody.get(f"/downloads/{text}/a.fits")
    yield site.nobody.get(f"/frames/?cursor={text}")
    yield site.nobody.get("/account", site.cookie(text))
    yield site.nobody.ask(
        "POST", "/frames/zip/", {"Content-Type": "application/python-pickle"}, body=pickle.dumps(_Touch(proof))
    )
    metadata = {"OBJECT": text, "py/object": "os.system", "__reduce__": text}
    job = site.holder("telescope").ask(
        "POST", "/ingest/jobs", json={"filepath": str(site.folder / "public.fits"), "file_metadata": metadata}
    )
    yield job
    assert site.archive.wait(job.json["id"])["state"] == "already_archived"
    assert not proof.exists()


class _Touch:
    """What makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)
