"""Users, their proposals, their sessions in browsers and their API tokens."""

import datetime as dt
import enum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import PlainText, UtcDateTime
from app.extensions import Model


class Scope(enum.StrEnum):
    """What a token is good for; each scope includes those before it."""

    READ = "read"  # sees what its owner may see
    INGEST = "ingest"  # also sends files and records; an operator has granted it
    ADMIN = "admin"  # all that an operator may do


class User(Model):
    """Somebody who may log in."""

    __tablename__ = "user_account"  # "user" is a reserved word of PostgreSQL

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(PlainText, unique=True)
    password_hash: Mapped[str] = mapped_column(PlainText)
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_disabled: Mapped[bool] = mapped_column(default=False)
    is_from_portal: Mapped[bool] = mapped_column(default=False)  # has no password here, and the portal's proposals
    token_generation: Mapped[int] = mapped_column(default=0)  # how often their own token was replaced
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    memberships: Mapped[list["ProposalMember"]] = relationship(cascade="all, delete-orphan")

    @property
    def largest_scope(self) -> Scope:
        """What the user may do themselves, and give to a token."""
        return Scope.ADMIN if self.is_admin else Scope.READ


class ProposalMember(Model):
    """A user's membership of a proposal: it shows them the proposal's frames before these are public."""

    __tablename__ = "proposal_member"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    proposal_id: Mapped[str] = mapped_column(PlainText, primary_key=True)


class LoginSession(Model):
    """A user's session in one browser, whose cookie holds its key. Only the key's hash is kept."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)  # one user's sessions
    key_hash: Mapped[str] = mapped_column(PlainText, unique=True)  # each request looks its session up
    browser: Mapped[str] = mapped_column(PlainText)  # as it calls itself
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    user: Mapped[User] = relationship()


class ApiToken(Model):
    """A program's key to its owner's rights. Only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)  # one user's tokens
    name: Mapped[str] = mapped_column(PlainText)
    token_hash: Mapped[str] = mapped_column(PlainText, unique=True)  # each request looks its token up
    scope: Mapped[Scope] = mapped_column(PlainText)
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_used: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # to the hour: a write each time would be dear
    user: Mapped[User] = relationship()
