"""Who is asking: read once from the request, handed first to every public read."""

from dataclasses import dataclass

from flask import g, request, session
from structlog.contextvars import bind_contextvars

from app.accounts.actions import note_use
from app.accounts.models import ApiToken, Scope, User
from app.accounts.queries import Holder, find_session, find_session_holder, find_token, find_token_holder
from app.errors import NotAllowed, NotLoggedIn
from app.portal.actions import find_user_by_portal_token

SESSION_KEY = "key"
INGESTERS_ONLY = "Only operators and tokens of scope “ingest” may do this: send “Authorization: Token …”."
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Viewer:
    """Whoever asks, what they may see, and what they may do."""

    user_id: int | None = None
    username: str = ""
    is_admin: bool = False
    """An operator, who sees everything, also by a token that may only read."""
    proposals: frozenset[str] = frozenset()
    scope: Scope = Scope.READ

    @property
    def is_anonymous(self) -> bool:
        return self.user_id is None

    @property
    def may_ingest(self) -> bool:
        return self.scope is Scope.INGEST or self.may_administer

    @property
    def may_see_jobs(self) -> bool:
        """An operator sees all ingest jobs, who may ingest their own."""
        return self.is_admin or self.may_ingest

    @property
    def may_administer(self) -> bool:
        return self.is_admin and self.scope is Scope.ADMIN


ANONYMOUS = Viewer()


def current_viewer() -> Viewer:
    """Return who asks, by the Authorization header or else by the session's cookie.

    Raises
    ------
    NotLoggedIn
        If a token is given that nobody knows: answering as to anybody would hide frames in silence.
    PortalAwayError
        If only the Observation Portal can know it, and that does not answer.
    """
    if "viewer" not in g:
        by_token = "Authorization" in request.headers or _is_write_to_api()
        g.viewer = _viewer_by_token() if by_token else _viewer_by_session()
    viewer: Viewer = g.viewer
    return viewer


def find_viewer_by_token(text: str) -> Viewer | None:
    """Return whom a token speaks for that came otherwise than by the Authorization header.

    Raises
    ------
    NotLoggedIn, PortalAwayError
        As `current_viewer`, but for a token that nobody knows.
    """
    return _find_viewer("Token", text.strip())


def require_operator() -> Viewer:
    """Return the operator who asks: for what only operators may see.

    Raises
    ------
    NotLoggedIn, NotAllowed
        If it is nobody, or somebody else.
    """
    viewer = _require_somebody("Only operators may see this: send an operator's “Authorization: Token …”, or log in.")
    if not viewer.is_admin:
        raise NotAllowed(f"Only operators may see this; {viewer.username} is none.")
    return viewer


def require_ingester() -> Viewer:
    """Return who asks, if they may send files and records: an operator, or by a token of scope ingest.

    Raises
    ------
    NotLoggedIn, NotAllowed
        As `require_operator`.
    """
    viewer = _require_somebody(INGESTERS_ONLY)
    if not viewer.may_ingest:
        raise NotAllowed(f"{viewer.username} needs a token of scope “ingest” for this, which an operator gives.")
    return viewer


def require_job_reader() -> Viewer:
    """Return who asks, if they may see ingest jobs, or whether the archive has a file: operators, and who may ingest.

    Raises
    ------
    NotLoggedIn, NotAllowed
        As `require_operator`.
    """
    viewer = _require_somebody(INGESTERS_ONLY)
    return viewer if viewer.may_see_jobs else require_ingester()


def require_admin() -> Viewer:
    """Return the operator who asks: for what changes the archive for others.

    Raises
    ------
    NotLoggedIn, NotAllowed
        As `require_operator`.
    """
    viewer = require_operator()
    if not viewer.may_administer:
        raise NotAllowed(f"This needs a token of scope “admin”; the one that was sent is of scope “{viewer.scope}”.")
    return viewer


def require_token() -> ApiToken:
    """Return the token that the request carries.

    Raises
    ------
    NotLoggedIn
        If it carries none, or one that this archive has not given.
    """
    if "Authorization" not in request.headers:
        raise NotLoggedIn("Send the token in question: “Authorization: Token …”.")
    token = _find_own_token(*_read_authorization())
    if token is None:
        raise NotLoggedIn("This archive has not given the token in the Authorization header.", code="bad_token")
    return token


def require_session() -> User:
    """Return the user who is logged in with this browser: for what they do to their own account.

    Raises
    ------
    NotLoggedIn
        If it is nobody, whatever token came with the request.
    """
    found = find_session(session[SESSION_KEY]) if SESSION_KEY in session else None
    if found is None:
        raise NotLoggedIn("Log in to see your account.")
    return found.user


def _require_somebody(message: str) -> Viewer:
    viewer = current_viewer()
    if viewer.is_anonymous:
        raise NotLoggedIn(message)
    return viewer


def _is_write_to_api() -> bool:
    """A session counts for nothing here: another site could make a browser send its cookie."""
    return request.method not in SAFE_METHODS and (request.blueprint or "").endswith("_api")


def _viewer_by_token() -> Viewer:
    if "Authorization" not in request.headers:
        return ANONYMOUS
    viewer = _find_viewer(*_read_authorization())
    if viewer is None:
        raise NotLoggedIn("Nobody knows the token in the Authorization header.", code="bad_token")
    return viewer


def _read_authorization() -> tuple[str, str]:
    """Return the scheme and the token of the Authorization header."""
    scheme, _, text = request.headers["Authorization"].partition(" ")
    return scheme, text.strip()


def _find_viewer(scheme: str, text: str) -> Viewer | None:
    """Return whom a token of ours speaks for, or else one of the Observation Portal's."""
    holder = find_token_holder(text) if _may_be_ours(scheme) else None
    if holder is not None:
        note_use(holder.opener_id, holder.last_used)
        return _viewer(holder)
    user = find_user_by_portal_token(scheme, text)
    return _viewer_by_user(user) if user else None


def _find_own_token(scheme: str, text: str) -> ApiToken | None:
    return find_token(text) if _may_be_ours(scheme) else None


def _may_be_ours(scheme: str) -> bool:
    return scheme.lower() in {"token", "bearer"}


def _viewer_by_session() -> Viewer:
    holder = find_session_holder(session[SESSION_KEY]) if SESSION_KEY in session else None
    return _viewer(holder) if holder else ANONYMOUS


def _viewer_by_user(user: User) -> Viewer:
    proposals = frozenset(member.proposal_id for member in user.memberships)
    return _viewer(Holder(user.id, user.username, user.is_admin, proposals, 0))


def _viewer(holder: Holder) -> Viewer:
    """Return the viewer that somebody is: with a session's or the portal's word, they may do all that they may do."""
    bind_contextvars(viewer=holder.username)  # what the log says until the request's end is of their doing
    scope = Scope(holder.scope) if holder.scope else Scope.ADMIN if holder.is_admin else Scope.READ
    return Viewer(holder.user_id, holder.username, holder.is_admin, holder.proposals, scope)
