"""Copied programs find what the page found: run by dash, bash and Python against a running archive."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import pytest
import requests
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.accounts.actions import create_token, create_user
from app.exports.snippets import build_snippets
from app.extensions import db
from tests.exports.test_script import served
from tests.fixtures.ingest import log_in
from tests.frames_factory import add_frame

SHELLS = ("dash", "bash")
NASTY = "'\"\\$`!&|;<>(){}[]*?~#%^=@,:+- \u2028\u00a0éß東🔭aB1"
NAMES = st.text(st.sampled_from(NASTY), min_size=1, max_size=9).map(str.strip).filter(bool)
TIMEOUT_S = 60

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is about what is sent


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """The address of the archive, which runs."""
    with served(app) as (address, _):
        yield address


def add_frames(app: Flask, names: Sequence[str]) -> dict[str, str]:
    """Archive a frame for each target's name that there is none of yet, and return their basenames."""
    with app.app_context():
        for name in names:
            basename = name.encode().hex()
            if app.test_client().get("/frames/", query_string={"basename_exact": basename}).json["count"] == 0:
                add_frame(basename, target_name=name)
    return {name: name.encode().hex() for name in names}


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def copy_as(url: str, label: str, search: Sequence[tuple[str, str]], *, with_token: bool = False) -> str:
    addresses = (f"{url}/", f"{url}/export.jsonl", f"{url}/export.vot")
    return build_snippets(search, *addresses, with_token=with_token)[label]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(NAMES, min_size=5, max_size=12, unique=True))
def test_a_shell_sends_what_was_typed(app: Flask, url: str, names: list[str]) -> None:
    basenames = add_frames(app, names)
    programs = [copy_as(url, "curl", [("target_name_exact", name)]) for name in names]
    for shell in SHELLS:
        lines = run(shell, "-c", "".join(programs)).split("\n")[:-1]
        found = [(record["target_name"], record["basename"]) for record in map(json.loads, lines)]
        assert found == [*basenames.items()]


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(NAMES, min_size=5, max_size=8, unique=True))
def test_python_sends_what_was_typed(app: Flask, url: str, names: list[str]) -> None:
    basenames = add_frames(app, names)
    searches = [[("target_name_exact", name)] for name in names]
    python = "".join(copy_as(url, "Python", search) + "print(frames[0]['basename'])\n" for search in searches)
    assert run(sys.executable, "-c", python).split() == [
        word for name in names for word in ("1", "frames", basenames[name])
    ]
    astropy = "".join(copy_as(url, "astropy", search) + "print(*table['basename'])\n" for search in searches)
    assert [line for line in run(sys.executable, "-c", astropy).splitlines() if line in basenames.values()] == [
        *basenames.values()
    ]


def test_the_link_and_repeated_parameters(app: Flask, url: str) -> None:
    add_frames(app, ["one"])
    search = [("exclude_configuration_type", "BIAS"), ("exclude_configuration_type", "EXPOSE")]
    assert copy_as(url, "Link", []) == f"{url}/"
    assert copy_as(url, "Link", search) == f"{url}/?{urlencode(search)}"
    assert run("dash", "-c", copy_as(url, "curl", search)) == ""
    assert run("dash", "-c", copy_as(url, "curl", search[:1])).count("\n") == 1
    assert run(sys.executable, "-c", copy_as(url, "Python", search)) == "0 frames\n"


def test_the_token_comes_from_the_environment(app: Flask, url: str) -> None:
    with app.app_context():
        add_frame("hidden", proposal_id="theirs", public_date="2999-01-01T00:00:00")
        token = create_token(create_user("member", "secret", proposals=["theirs"]), "script")
        db.session.commit()
    programs = {label: copy_as(url, label, [], with_token=True) for label in ("curl", "Python")}
    assert json.loads(run("dash", "-c", programs["curl"], TOKEN=token))["basename"] == "hidden"
    assert run(sys.executable, "-c", programs["Python"], TOKEN=token) == "1 frames\n"
    client = app.test_client()
    assert "TOKEN" not in client.get("/").text
    log_in(client, "member")
    assert "TOKEN" in client.get("/").text


def test_the_page_offers_its_search_and_not_its_look(app: Flask, url: str) -> None:
    add_frames(app, ["a & b"])
    page = requests.get(f"{url}/?target_name=a+%26+b&limit=50&offset=0&site_id=", timeout=60).text
    assert f"{url}/?target_name=a+%26+b</pre>" in page
    assert 'href="/export.csv?target_name=a+%26+b"' in page
