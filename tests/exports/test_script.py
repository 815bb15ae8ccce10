"""The download script, run by dash: killed and run again no byte comes twice, and every file is right."""

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app.accounts.actions import create_token, create_user
from app.extensions import db
from tests.fixtures.application import MakeApp
from tests.services import LOOPBACK
from tests.stored_frames import add_stored_frame

PATIENCE_S = 120
ODD = "odd 'name' $(x) `y` \"z\" é -rf"
SHELL = shutil.which("dash") or "sh"
TOOLS = ("wc", "tr", "cut", "awk", "sed", "head", "tail", "mv", "rm", "mkdir", "cat", "sleep", "md5sum", "dash")

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what differs is told in test_api


class QuietHandler(WSGIRequestHandler):
    """Says nothing of its requests."""

    def log(self, *_args: Any) -> None:
        """Keep the test's output clean."""


class Served:
    """An archive on a port, which notes what is downloaded, and may stop in the middle of a file."""

    def __init__(self, app: Flask) -> None:
        self.asked: list[tuple[str, str]] = []  # the name of a file, and the range of it
        self.links_asked = 0
        self.stalls = ""  # the name of a file of which half comes, and then nothing
        self.goes_on = threading.Event()
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path: str = environ["PATH_INFO"]
        self.links_asked += path == "/links/"
        if not path.startswith("/downloads/"):
            return self._app(environ, start_response)
        name = path.rpartition("/")[2]
        self.asked.append((name, environ.get("HTTP_RANGE", "")))
        answer = self._app(environ, start_response)
        return self._stall(b"".join(answer)) if name == self.stalls else answer

    def _stall(self, content: bytes) -> Iterator[bytes]:
        yield content[: len(content) // 2]
        self.goes_on.wait(PATIENCE_S)


@contextmanager
def served(app: Flask) -> Iterator[tuple[str, Served]]:
    archive = Served(app)
    server = make_server(LOOPBACK, 0, archive, threaded=True, request_handler=QuietHandler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{LOOPBACK}:{server.server_port}", archive
    archive.goes_on.set()
    server.shutdown()
    server.server_close()


def add_files(app: Flask, count: int) -> dict[str, str]:
    """Archive small files, and return the MD5 of each by its name."""
    rng = random.Random(1)
    with app.app_context():
        contents = {f"frame-{number:03}": rng.randbytes(rng.randint(1, 40_000)) for number in range(count)}
        for name, content in contents.items():
            add_stored_frame(name, content)
    return {f"{name}.fits": hashlib.md5(content).hexdigest() for name, content in contents.items()}


def fetch_script(url: str, folder: Path, query: str = "", **headers: str) -> Path:
    script = folder / "download.sh"
    text = requests.get(f"{url}/export.sh{query}", headers=headers, timeout=60).text
    script.write_text(re.sub("for pause in 0.*;", "for pause in 0 0.1;", text))  # impatient
    return script


def run(script: Path, into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHELL, script, into],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def hash_files(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.is_file()}


def wait_until(condition: Any) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_killed_and_run_again_no_byte_comes_twice(app: Flask, tmp_path: Path, end: signal.Signals) -> None:
    md5s, into = add_files(app, 500 if end == signal.SIGKILL else 50), tmp_path / "into"
    into.mkdir()
    with served(app) as (url, archive):
        script = fetch_script(url, tmp_path, "?ordering=id")
        broken = list(md5s)[len(md5s) // 2]
        part = into / ".download" / md5s[broken]
        size = next(file.stat().st_size for file in (tmp_path / "files").rglob(broken))
        archive.stalls = broken
        first = subprocess.Popen([SHELL, script, into], start_new_session=True, stderr=subprocess.DEVNULL)
        wait_until(lambda: part.exists() and part.stat().st_size == size // 2)
        if end == signal.SIGKILL:
            os.killpg(first.pid, end)
        else:
            first.send_signal(end)
        assert first.wait(PATIENCE_S) in (-signal.SIGKILL, 128 + signal.SIGTERM)
        wait_until(lambda: not is_any_alive(first.pid))
        there = hash_files(into)
        parts = {file.name: file.stat().st_size for file in (into / ".download").iterdir() if len(file.name) == 32}
        archive.asked, archive.stalls = [], ""
        second = run(script, into)
    assert (second.returncode, second.stderr.splitlines()[-1]) == (
        0,
        f"{len(md5s)} of {len(md5s)} files are in {into}.",
    )
    assert hash_files(into) == md5s
    assert [path.name for path in into.iterdir() if path.is_dir()] == []
    assert 0 < len(there) < len(md5s)
    assert parts[md5s[broken]] == size // 2
    wanted = {name: parts.get(md5, 0) for name, md5 in md5s.items() if name not in there}
    got = {name: int(re.sub(r"bytes=(\d+)-", r"\1", asked) or 0) for name, asked in archive.asked}
    assert len(archive.asked) == len(got)
    assert got.items() <= wanted.items()
    assert {name for name in wanted if name not in got} <= {name for name in wanted if parts.get(md5s[name])}  # whole


def is_any_alive(session: int) -> bool:
    """Whether a process of a session runs."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of_session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of_session) == session and state != "Z":
            return True
    return False


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_curl_or_wget_will_do(app: Flask, tmp_path: Path, client: str) -> None:
    """What is not public comes by a token, from the environment; nothing else does."""
    md5s, into, tools = add_files(app, 5), tmp_path / "into", tmp_path / "tools"
    into.mkdir()
    tools.mkdir()
    for tool in (*TOOLS, client):
        (tools / tool).symlink_to(shutil.which(tool))
    with app.app_context():
        add_stored_frame(ODD, b"", proposal_id="theirs", public_date="2999-01-01T00:00:00")
        token = create_token(create_user("member", "secret", proposals=["theirs"]), "script")
        db.session.commit()
    with served(app) as (url, archive):
        script = fetch_script(url, tmp_path, Authorization=f"Token {token}")
        assert token not in script.read_text()
        without = run(script, into, PATH=str(tools))
        assert (without.returncode, hash_files(into)) == (1, md5s)
        assert "needs a TOKEN" in without.stderr
        wrong = run(script, into, PATH=str(tools), TOKEN="unknown")
        assert wrong.returncode == 3
        archive.asked.clear()
        assert run(script, into, PATH=str(tools), TOKEN=token).returncode == 0
        assert len(archive.asked) == 1
        (odd,) = set(hash_files(into)) - md5s.keys()
        assert re.fullmatch(r"odd _name_ _\(x\) _y_ _z_ é -rf\.fits", odd)
        assert run(script, into, PATH=str(tools)).returncode == 0


def test_links_that_have_ended_are_asked_for_anew(make_app: MakeApp, tmp_path: Path) -> None:
    app, into = make_app(), tmp_path / "into"
    md5s = add_files(app, 3)
    into.mkdir()
    with served(app) as (url, archive):
        script = fetch_script(url, tmp_path)
        redeem, archive_app = archive._app, archive._app

        def refuse_first(environ: dict[str, Any], start_response: Any) -> Any:
            if environ["PATH_INFO"].startswith("/downloads/") and archive.links_asked < 2:
                environ = {**environ, "PATH_INFO": "/downloads/ended/frame.fits"}
            return redeem(environ, start_response)

        archive._app = refuse_first
        done = run(script, into, JOBS="1")
        archive._app = archive_app
    assert (done.returncode, hash_files(into)) == (0, md5s)


def test_what_goes_wrong_is_said(app: Flask, tmp_path: Path) -> None:
    md5s, into = add_files(app, 2), tmp_path / "into"
    into.mkdir()
    (into / "frame-000.fits").write_text("another file of this name")
    stored = next((tmp_path / "files").rglob("frame-001.fits"))
    stored.chmod(0o644)
    stored.write_bytes(bytes(stored.stat().st_size))
    with served(app) as (url, _):
        script = fetch_script(url, tmp_path)
        done = run(script, into)
        assert run(script, tmp_path / "nowhere").returncode == 2
        assert run(script, into, JOBS="all").returncode == 2
        assert run(script, into, TOKEN="a\nb").returncode == 3
    assert done.returncode == 1
    assert "frame-000.fits: another file of this name is in the way" in done.stderr
    assert "frame-001.fits: it did not come" in done.stderr
    assert (into / "frame-000.fits").read_text() == "another file of this name"
    assert list(hash_files(into)) == ["frame-000.fits"]
    assert list(md5s) == ["frame-000.fits", "frame-001.fits"]


def test_the_shell_and_shellcheck_have_nothing_to_say(app: Flask, tmp_path: Path) -> None:
    add_files(app, 1)
    script = tmp_path / "download.sh"
    script.write_bytes(app.test_client().get("/export.sh").data)
    checks = [[SHELL, "-n"], ["bash", "--posix", "-n"]] + ([["shellcheck"]] if shutil.which("shellcheck") else [])
    for check in checks:
        assert subprocess.run([*check, script], capture_output=True, text=True, check=False).stdout == "", check
