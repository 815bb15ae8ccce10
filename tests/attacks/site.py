"""The archive that is attacked, run as in production: what it holds, who the attackers are, and what they have got."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser

from app import create_app
from app.accounts.actions import create_token, switch_off
from app.accounts.models import Scope
from app.accounts.queries import get_user
from app.config import AppConfig
from app.extensions import db
from tests.attacks.attacker import HIDDEN, Answer, Attacker
from tests.fits_factory import write_fits
from tests.live import LiveArchive, running_archive
from tests.scripted_server import ScriptedServer, scripted_server
from tests.services import NO_LIMITS

SECRET_KEY = "attacked-but-never-told-to-anybody"
PROPOSAL = "OPEN2024A-001"
PUBLIC = {"L1PUBDAT": "2024-02-20", "PROPID": PROPOSAL, "OBJECT": "M 84"}
SECRET = {
    "L1PUBDAT": "2999-01-01",
    **{key: f"{HIDDEN}-{key.lower()}" for key in ("PROPID", "OBJECT", "INSTRUME", "TELID", "FILTER", "USERID")},
    "OBSTYPE": "EXPOSE",
}
SCRIPT = "<img src=x onerror=alert(1)>"
#: The header fields whose text a frame's sender chooses.
HEADER_FIELDS = (
    *("PROPID", "OBJECT", "SITEID", "TELID", "INSTRUME", "FILTER", "OBSTYPE", "USERID"),
    *("L1IDBIAS", "OBSERVER", "ORIGIN", "TITLE"),
)
#: Names of files with signs that deceive people or programs.
ODD_NAMES = (
    "rlo-\u202efdp",  # what follows is shown from right to left
    "a\u0430a",  # a Cyrillic а among Latin ones
    "aaa",
    "cafe\u0301",  # an accent of its own
    "caf\u00e9",
    "zero\u200bwidth",
    "=HYPERLINK(1)",
    "-rf",
    f"{'%2e' * 3}%2f",
    "wide\uff0f\uff0e\uff0e\uff0fetc",  # signs that look like ../
    "NUL",
    "\U0001f52d" * 20,
)


@dataclass
class Site:
    """The attacked archive, and a server of the attackers' own that must never be asked for anything."""

    archive: LiveArchive
    folder: Path  # of INGEST_ROOTS
    canary: ScriptedServer
    browser: Browser
    tokens: dict[str, str] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        archive = self.archive
        self.tokens = {
            "member": archive.add_user("member", proposals=[PROPOSAL]),
            "victim": archive.add_user("victim", proposals=[SECRET["PROPID"]]),
            "disabled": archive.add_user("disabled"),
            "operator": archive.admin_token,
        }
        with self.app.app_context():
            self.tokens["reader"] = create_token(get_user("member"), "reads", Scope.READ)
            self.tokens["telescope"] = create_token(get_user("member"), "ingests", Scope.INGEST)
            switch_off(get_user("disabled"))
            db.session.commit()
        jobs = self._ingest()
        self.broken_job = jobs.pop("broken")["id"]
        self.frames = {name: job["frame_id"] for name, job in jobs.items()}
        assert all(self.frames.values()), jobs

    @cached_property
    def app(self) -> Flask:
        """The application, for its list of routes and to write what only the shell can."""
        return create_app(AppConfig.from_env(self.archive.settings))

    @property
    def nobody(self) -> Attacker:
        return Attacker(self.archive.url, {})

    @property
    def operator(self) -> Attacker:
        return Attacker(self.archive.url, _token(self.archive.admin_token), may_see_all=True)

    @property
    def victim(self) -> Attacker:
        """Whoever looks at what only the victim may see."""
        return Attacker(self.archive.url, {}, may_see_all=True)

    def holder(self, name: str) -> Attacker:
        """Return who sends a token."""
        return Attacker(self.archive.url, _token(self.tokens[name]))

    def log_in(self, username: str) -> "Session":
        """Log a user in."""
        session = Session(self.victim)
        answer = session.post("/login", {"username": username, "password": username})
        assert answer.status == 302, answer
        return session

    def cookie(self, value: str) -> dict[str, str]:
        """Return the header of a session's cookie."""
        return {"Cookie": f"{self.app.config['SESSION_COOKIE_NAME']}={value}"}

    def link(self, name: str) -> str:
        """Return the path of a frame's download link, as an operator gets it."""
        return urlsplit(self.operator.get(f"/frames/{self.frames[name]}/").json["url"]).path

    def is_alive(self) -> bool:
        """Say whether the archive still does what it is for."""
        found = self.nobody.get("/frames/?basename_exact=public").json
        return [frame["id"] for frame in found["results"]] == [self.frames["public"]]

    def _ingest(self) -> dict[str, Mapping[str, Any]]:
        scripts = dict.fromkeys(HEADER_FIELDS, SCRIPT)
        files = [
            write_fits(self.folder / "public.fits", **PUBLIC),
            write_fits(self.folder / f"{HIDDEN}.fits", **SECRET),
            write_fits(self.folder / f"scripts {SCRIPT}.fits", **scripts, L1PUBDAT="2024-02-20"),
            *(
                write_fits(self.folder / f"{name}.fits", **PUBLIC | {"OBJECT": f"odd {number}"})
                for number, name in enumerate(ODD_NAMES)
            ),
        ]
        jobs = {file.name.partition(".")[0]: self.archive.submit(file) for file in files}
        broken = self.folder / f"broken {SCRIPT}.fits"
        broken.write_text(SCRIPT)
        jobs["broken"] = self.archive.submit(broken)
        return {name: self.archive.wait(job) for name, job in jobs.items()}


class Session:
    """A browser without a face: it keeps its cookie, and fills in a form's hidden field."""

    def __init__(self, attacker: Attacker, cookie: str = "") -> None:
        self._attacker = attacker
        self.cookie = cookie

    def get(self, path: str) -> Answer:
        return self._keep(self._attacker.get(path, self.headers))

    def post(self, path: str, form: Mapping[str, str]) -> Answer:
        filled = {"csrf_token": self.csrf_token, **form}
        return self._keep(self._attacker.ask("POST", path, self.headers, form=filled))

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept": "text/html"} | ({"Cookie": self.cookie} if self.cookie else {})

    @property
    def csrf_token(self) -> str:
        return re.search(r'name="csrf_token" value="([^"]+)"', self.get("/login").text)[1]

    def _keep(self, answer: Answer) -> Answer:
        self.cookie = answer.get("Set-Cookie").partition(";")[0] or self.cookie
        return answer


@contextmanager
def attacked_site(data_dir: Path, folder: Path, browser: Browser, **settings: str) -> Iterator[Site]:
    """Run an archive as in production, its pages on plain HTTP."""
    production = NO_LIMITS | {
        "ENVIRONMENT": "production",
        "SECRET_KEY": SECRET_KEY,
        "TRUSTED_HOSTS": "127.0.0.1",
        "INGEST_ROOTS": str(folder),
        "NAME_RESOLVER_URL": "",
        "LOG_IN_LIMIT": "10/15 minutes",
    }
    with (
        scripted_server() as canary,
        running_archive(data_dir, **production | settings) as archive,
    ):
        yield Site(archive, folder, canary, browser)


def _token(token: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}"}
