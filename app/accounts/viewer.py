"""Who is asking: read once from the request, handed first to every public read."""

from dataclasses import dataclass

from flask import g, request, session

from app.accounts.models import ApiToken, User
from app.accounts.queries import find_token, find_user_by_id
from app.errors import NotAllowed, NotLoggedIn

SESSION_USER_ID = "user_id"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Viewer:
    """Whoever asks, and what they may see."""

    user_id: int | None = None
    username: str = ""
    is_admin: bool = False
    proposals: frozenset[str] = frozenset()

    @property
    def is_anonymous(self) -> bool:
        return self.user_id is None


ANONYMOUS = Viewer()


def current_viewer() -> Viewer:
    """Return who asks, by the Authorization header or else by the session's cookie.

    Raises
    ------
    NotLoggedIn
        If a token is given that this archive does not know: answering as to anybody would hide frames in silence.
    """
    if "viewer" not in g:
        by_token = "Authorization" in request.headers or _is_write_to_api()
        g.viewer = _viewer_by_token() if by_token else _viewer_by_session()
    viewer: Viewer = g.viewer
    return viewer


def find_viewer_by_token(text: str) -> Viewer | None:
    """Return whom a token speaks for that came otherwise than by the Authorization header."""
    token = find_token(text.strip())
    return _viewer(token.user) if token else None


def require_admin() -> Viewer:
    """Return the operator who asks.

    Raises
    ------
    NotLoggedIn, NotAllowed
        If it is nobody, or somebody else.
    """
    viewer = current_viewer()
    if viewer.is_anonymous:
        raise NotLoggedIn("Only operators may do this: send an operator's “Authorization: Token …”, or log in.")
    if not viewer.is_admin:
        raise NotAllowed(f"Only operators may do this; {viewer.username} is none.")
    return viewer


def require_token() -> ApiToken:
    """Return the token that the request carries.

    Raises
    ------
    NotLoggedIn
        If it carries none, or one that this archive does not know.
    """
    if "Authorization" not in request.headers:
        raise NotLoggedIn("Send the token in question: “Authorization: Token …”.")
    return _read_token()


def _is_write_to_api() -> bool:
    """A session counts for nothing here: another site could make a browser send its cookie."""
    return request.method not in SAFE_METHODS and (request.blueprint or "").endswith("_api")


def _viewer_by_token() -> Viewer:
    return _viewer(_read_token().user) if "Authorization" in request.headers else ANONYMOUS


def _read_token() -> ApiToken:
    scheme, _, text = request.headers["Authorization"].partition(" ")
    token = find_token(text.strip()) if scheme.lower() in {"token", "bearer"} else None
    if token is None:
        raise NotLoggedIn("This archive does not know the token in the Authorization header.", code="bad_token")
    return token


def _viewer_by_session() -> Viewer:
    user_id = session.get(SESSION_USER_ID)
    user = find_user_by_id(user_id) if user_id is not None else None
    return _viewer(user) if user else ANONYMOUS


def _viewer(user: User) -> Viewer:
    return Viewer(
        user_id=user.id,
        username=user.username,
        is_admin=user.is_admin,
        proposals=frozenset(member.proposal_id for member in user.memberships),
    )
