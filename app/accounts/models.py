"""Users, their proposals and their API tokens."""

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import PlainText, UtcDateTime
from app.extensions import Model


class User(Model):
    """Somebody who may log in."""

    __tablename__ = "user_account"  # "user" is a reserved word of PostgreSQL

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(PlainText, unique=True)
    password_hash: Mapped[str] = mapped_column(PlainText)
    is_admin: Mapped[bool] = mapped_column(default=False)
    token_generation: Mapped[int] = mapped_column(default=0)  # how often their own token was replaced
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    memberships: Mapped[list["ProposalMember"]] = relationship(cascade="all, delete-orphan")


class ProposalMember(Model):
    """A user's membership of a proposal: it shows them the proposal's frames before these are public."""

    __tablename__ = "proposal_member"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    proposal_id: Mapped[str] = mapped_column(PlainText, primary_key=True)


class ApiToken(Model):
    """A program's key to its owner's rights. Only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)  # one user's tokens
    name: Mapped[str] = mapped_column(PlainText)
    token_hash: Mapped[str] = mapped_column(PlainText, unique=True)  # each request looks its token up
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    user: Mapped[User] = relationship()
