"""What the archive of the permission matrix holds, and who looks at it.

Each frame has a word that is part of every text of its own, and numbers that nothing else has: wherever one of them
turns up, something of the frame does.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from app.accounts.actions import create_token, create_user, revoke_token, switch_off
from app.accounts.models import ApiToken, Scope, User
from app.accounts.queries import get_user, list_tokens
from app.embargoes.actions import rule_on_proposal
from app.embargoes.schemas import build_ruling
from app.extensions import db
from app.frames.models import Frame, Thumbnail, Version
from app.portal.models import PortalToken
from app.saved_searches.actions import save_search
from tests.fixtures.ingest import Headers, log_in
from tests.frames_factory import add_frame, add_preview
from tests.jobs_factory import add_job
from tests.portal.portal_server import build_profile
from tests.stored_frames import add_stored_frame

PUBLIC, SOON = "vqpublic", "vqsoon"
MINE, FOREVER = "vqmine", "vqforever"  # of the member's proposal
OTHERS, NO_VERSION, NO_DATE = "vqothers", "vqnoversion", "vqnodate"  # of the other member's
STUB = "vqstub"  # others name it, and it has not arrived
REWRITTEN = "vqrewritten"  # what a posted record is about
KINDS = (PUBLIC, SOON, MINE, FOREVER, OTHERS, NO_VERSION, NO_DATE, STUB, REWRITTEN)

WITHOUT_VERSION = frozenset({NO_VERSION, STUB})
UNLISTED = frozenset({NO_VERSION, NO_DATE, STUB})
OWNERS = {FOREVER: MINE, NO_VERSION: OTHERS, NO_DATE: OTHERS}
PUBLIC_DATES = {OTHERS: "2021-04-01", FOREVER: None}  # what their records say; rulings say otherwise, too
RELATED = {PUBLIC: [SOON, MINE, OTHERS], MINE: [PUBLIC], OTHERS: [PUBLIC, MINE, STUB]}

A_WHILE = dt.timedelta(hours=1)  # longer than these tests take
HIDDEN_DATE = "2999-01-01T00:00:00"
LAST_YEAR = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
ENDED = {"started": LAST_YEAR, "finished": LAST_YEAR}
FIRST_ID, STEP = 731_823, 1_013  # no number of an answer has their digits by chance
MISSING = 1_986_752_431  # added to a number: nothing has the sum
PASSWORD = "never used here"


@dataclass(frozen=True)
class Viewer:
    """Somebody who asks: which frames they may see, and what they may do."""

    sees: frozenset[str] = frozenset({PUBLIC})
    is_known: bool = True
    is_somebody: bool = True
    has_session: bool = False
    is_from_portal: bool = False
    may_ingest: bool = False
    is_operator: bool = False
    is_admin: bool = False

    @property
    def hidden(self) -> frozenset[str]:
        return frozenset(KINDS) - self.sees


MEMBERS_FRAMES = frozenset({PUBLIC, MINE, FOREVER})
EVERYTHING = frozenset(KINDS)
NOBODY, NOBODY_AFTERWARDS, MEMBER, SESSION = "nobody", "nobody after the date", "member", "session of a member"
INGEST, STAFF, ADMIN = "ingest token", "read token of an operator", "admin"
UNKNOWN = Viewer(sees=frozenset(), is_known=False)
VIEWERS: Mapping[str, Viewer] = {
    NOBODY: Viewer(is_somebody=False),
    NOBODY_AFTERWARDS: Viewer(frozenset({PUBLIC, SOON}), is_somebody=False),
    "user without proposals": Viewer(),
    MEMBER: Viewer(MEMBERS_FRAMES),
    "other member": Viewer(frozenset({PUBLIC, OTHERS, NO_VERSION, NO_DATE})),
    "read token": Viewer(MEMBERS_FRAMES),
    SESSION: Viewer(MEMBERS_FRAMES, has_session=True),
    INGEST: Viewer(may_ingest=True),
    STAFF: Viewer(EVERYTHING, is_operator=True),
    ADMIN: Viewer(EVERYTHING, may_ingest=True, is_operator=True, is_admin=True),
    "portal bearer": Viewer(MEMBERS_FRAMES, is_from_portal=True),
    "portal token": Viewer(MEMBERS_FRAMES, is_from_portal=True),
    "staff of the portal": Viewer(EVERYTHING, may_ingest=True, is_operator=True, is_admin=True, is_from_portal=True),
    "portal's unknown token": UNKNOWN,
    "expired token": UNKNOWN,
    "revoked token": UNKNOWN,
    "token of a disabled operator": UNKNOWN,
}


#: What the portal's viewers send. The portal knows the first three.
PORTAL_HEADERS = {
    "portal bearer": "Bearer of-a-member",
    "portal token": "Token api-of-a-member",
    "staff of the portal": "Bearer of-staff",
    "portal's unknown token": "Bearer of-nobody",
}
PORTAL_MEMBER = build_profile("portal-member", f"{MINE}-proposal")
PROFILES = {
    PORTAL_HEADERS["portal bearer"]: PORTAL_MEMBER,
    PORTAL_HEADERS["portal token"]: PORTAL_MEMBER,
    PORTAL_HEADERS["staff of the portal"]: build_profile("portal-staff", is_staff=True),
}


class Archive:
    """The archive: it is asked as each viewer, and knows what of its answers would be a leak."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.ids = {kind: FIRST_ID + number * STEP for number, kind in enumerate(KINDS)}
        with app.app_context():
            self.headers = self._make_headers()
            now = dt.datetime.now(dt.UTC)
            names = [
                {"id": self.ids[kind], "basename": f"{kind}-frame", "created": now, "modified": now} for kind in KINDS
            ]
            db.session.execute(insert(Frame), names)
            for kind in KINDS:
                self._add(kind)
            self._rule()
            self._set_public_date(now + A_WHILE)
            self.job = add_job(f"{OTHERS}.fits", id=self.ids[OTHERS] + 3 * 10**9, **_describe_failure(OTHERS))
            self.staff_token = list_tokens(get_user(ADMIN))[0].id
            whose = get_user("other")
            self.search = save_search(whose, f"{OTHERS}-search", [("site_id", f"{OTHERS}-site")], {}).id
            self.own_job = add_job("own.fits", submitted_by=get_user("tcs").id, **ENDED)
            self.md5s = dict(db.session.execute(select(Version.frame_id, Version.md5)).all())
            db.session.commit()
        for (
            header
        ) in PORTAL_HEADERS.values():  # what the portal says is remembered: it is asked before anything is tried
            app.test_client().get("/profile/", headers={"Authorization": header})
        self.markers = {kind: self._list_markers(kind) for kind in KINDS}

    def make_client(self, viewer: str) -> FlaskClient:
        """Return a client; it has the session of who asks by one."""
        client = self.app.test_client()
        if VIEWERS[viewer].has_session:
            log_in(client, MEMBER)
        return client

    def find_leaks(self, text: str, viewer: str, request: str) -> list[str]:
        """Return what of hidden frames stands in a text and did not stand in the request for it."""
        text, request = text.lower(), request.lower()
        markers = [marker for kind in VIEWERS[viewer].hidden for marker in self.markers[kind]]
        return [marker for marker in markers if marker in text and marker not in request]

    def fill_in(self, pattern: str, kind: str, beyond: int = 0) -> str:
        """Put a frame's numbers and texts into a pattern; `beyond` makes them numbers that nothing has."""
        frame_id = self.ids[kind] + beyond
        numbers = {"frame": frame_id, "version": frame_id + 10**9, "thumbnail": frame_id + 2 * 10**9}
        return pattern.format(**numbers, job=self.job + beyond, token=self.staff_token, search=self.search)

    @contextmanager
    def at_its_time(self, viewer: str) -> Iterator[None]:
        """Let the frame that becomes public soon be public by now, for who asks afterwards."""
        if viewer == NOBODY_AFTERWARDS:
            self._set_public_date(dt.datetime.now(dt.UTC))
        yield
        if viewer == NOBODY_AFTERWARDS:
            self._set_public_date(dt.datetime.now(dt.UTC) + A_WHILE)

    def dump(self) -> dict[str, list[str]]:
        """Return every row of every table, but for when tokens were last used and what the portal said of them."""
        with self.app.app_context():
            tables = {name: table for name, table in db.metadata.tables.items() if name != PortalToken.__tablename__}
            return {name: sorted(map(repr, db.session.execute(_select_all(table)))) for name, table in tables.items()}

    def _set_public_date(self, time: dt.datetime) -> None:
        with self.app.app_context():
            db.session.execute(update(Frame).where(Frame.id == self.ids[SOON]).values(public_date=time))
            db.session.commit()

    def _rule(self) -> None:
        """Open what the record hides, and hide what the record opens."""
        for kind, date in ((PUBLIC, "2021-04-01"), (OTHERS, "never")):
            ruling = build_ruling(
                {"public_date": date, "reason": f"{kind}-reason"}, stands=True, username=f"{kind}-operator"
            )
            rule_on_proposal(f"{kind}-proposal", ruling)
        db.session.commit()

    def _add(self, kind: str) -> None:
        if kind == STUB:
            return
        frame_id = self.ids[kind]
        if kind in WITHOUT_VERSION:
            add_frame(f"{kind}-frame", contents=(), **describe(kind))
        else:
            add_stored_frame(f"{kind}-frame", f"content of {kind}".encode(), ".fits", **describe(kind))
        add_preview(f"{kind}-frame", f"picture of {kind}".encode())
        for number, model in enumerate((Version, Thumbnail), 1):
            db.session.execute(update(model).where(model.frame_id == frame_id).values(id=frame_id + number * 10**9))
        db.session.commit()

    def _list_markers(self, kind: str) -> set[str]:
        """Return what shows a frame, in lower case: its word, its numbers, its MD5, and where on the sky it is."""
        fields = describe(kind)
        numbers = [self.ids[kind] + number * 10**9 for number in range(3)]
        numbers += [fields["observation_id"], fields["request_id"], fields["exposure_time"]]
        corner = f"{fields['area']['coordinates'][0][0][0]:.3f}"
        md5 = {self.md5s[self.ids[kind]]} if self.ids[kind] in self.md5s else set()
        return {kind, corner, *map(str, numbers), *md5}

    def _make_headers(self) -> dict[str, Headers]:
        """Make the users and their tokens; whoever asks by a session or as nobody sends no header."""
        past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        users = {
            "user without proposals": create_user("outsider", PASSWORD),
            MEMBER: create_user(MEMBER, PASSWORD, proposals=[f"{MINE}-proposal"]),
            "other member": create_user("other", PASSWORD, proposals=[f"{OTHERS}-proposal"]),
            INGEST: create_user("tcs", PASSWORD),
            ADMIN: create_user(ADMIN, PASSWORD, is_admin=True),
            "disabled": create_user("disabled", PASSWORD, is_admin=True),
        }
        tokens = {name: create_token(user, "own") for name, user in users.items() if name not in (INGEST, "disabled")}
        tokens |= {
            "read token": create_token(users[MEMBER], "read", Scope.READ),
            INGEST: create_token(users[INGEST], "ingest", Scope.INGEST),
            STAFF: create_token(users[ADMIN], "read", Scope.READ),
            "expired token": create_token(users[ADMIN], "expired", expires=past),
            "revoked token": create_token(users[ADMIN], "revoked"),
            "token of a disabled operator": create_token(users["disabled"], "own"),
        }
        _revoke(users[ADMIN], "revoked")
        switch_off(users["disabled"])
        db.session.commit()
        own = {name: _send(tokens[name]) if name in tokens else {} for name in VIEWERS}
        return own | {name: {"Authorization": header} for name, header in PORTAL_HEADERS.items()}


def _send(token: str) -> Headers:
    return {"Authorization": f"Token {token}"}


def _revoke(user: User, name: str) -> None:
    (token,) = (token for token in list_tokens(user) if token.name == name)
    revoke_token(user, token.id)


def _select_all(table: Any) -> Any:
    return select(*(column for column in table.columns if column.key != ApiToken.last_used.key))


def _describe_failure(kind: str) -> dict[str, Any]:
    message = f"{kind}-frame.fits has another content than version {kind}"
    return {"state": "failed", "error_code": "fits.truncated", "error_class": kind, "error_message": message, **ENDED}


def describe(kind: str) -> dict[str, Any]:
    """Return a frame's fields: no text or number is another frame's."""
    number = KINDS.index(kind) + 1
    ra_deg, dec_deg = 100.377 + 10 * number, 5.0
    ring = [(ra_deg, dec_deg), (ra_deg + 1, dec_deg), (ra_deg + 1, dec_deg + 1), (ra_deg, dec_deg)]
    texts = ("instrument_id", "target_name", "site_id", "telescope_id", "primary_optical_element", "configuration_type")
    return {
        **{name: f"{kind}-{name}" for name in texts},
        "proposal_id": f"{OWNERS.get(kind, kind)}-proposal",
        "observation_date": None if kind == NO_DATE else f"2021-03-{number:02}T04:05:06",
        "public_date": PUBLIC_DATES.get(kind, HIDDEN_DATE),
        "reduction_level": 8810 + number,
        "observation_id": 880_000_000 + number * STEP,
        "request_id": 550_000_000 + number * STEP,
        "exposure_time": 4321.125 + number,
        "area": {"type": "Polygon", "coordinates": [ring]},
        "headers": {"ORIGIN": f"{kind}-header", "USERID": f"{kind}-user"},
        "related_frame_filenames": [f"{other}-frame" for other in RELATED.get(kind, ())],
    }
