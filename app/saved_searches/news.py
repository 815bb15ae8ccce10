"""What is told of the frames of a message: built when it is sent, of what its user may see at that moment."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from flask import render_template, url_for
from sqlalchemy import select

from app.addresses import build_address
from app.extensions import db, get_config
from app.frames.lists import find_among
from app.frames.models import Frame
from app.frames.queries import FoundFrame, fetch_frames
from app.pages import format_count
from app.saved_searches import links, queries
from app.saved_searches.models import AlertMessage, SavedSearch
from app.saved_searches.models import FoundFrame as Found
from app.times import format_time

LONGEST_TABLE = 20  # frames that a mail lists
MOST_TOLD = 1000  # frames that a webhook is told one by one
EVENT = "saved_search.matched"
#: What of a frame's row is told as it is.
TOLD = (
    *("target_name", "proposal_id", "site_id", "telescope_id", "instrument_id", "primary_optical_element"),
    *("exposure_time", "configuration_type", "reduction_level"),
)
#: No header may be folded: a long link would be cut where some servers unsubscribe.
POLICY = SMTP.clone(max_line_length=900, cte_type="7bit")


@dataclass(frozen=True)
class News:
    """New frames of a search, the newest observation first.

    Attributes
    ----------
    frames
        The first of them.
    address
        Of the search, between the times of the first and the last of them.
    """

    search: SavedSearch
    count: int
    frames: Sequence[FoundFrame]
    address: str

    @property
    def headline(self) -> str:
        """What it is about, in a line."""
        return f"{format_count(self.count)} new frame{'' if self.count == 1 else 's'}: {self.search.name}"


def find_news(message: AlertMessage, search: SavedSearch, most: int) -> News | None:
    """Return what a message has to tell; None: nothing that its user may see, and would find, by now.

    Parameters
    ----------
    most
        Frames that are told one by one.

    Raises
    ------
    BadRequest
        If the search can't be read any longer.
    """
    chosen = select(Found.frame_id).where(Found.saved_search_id == search.id, Found.message_key == message.key)
    viewer = queries.build_owner(search.user)
    ids = find_among(viewer, queries.load_search(search), db.session.scalars(chosen).all())
    if not ids or search.user.is_disabled:
        return None
    options = {"include_related_frames": False}
    frames = fetch_frames(viewer, f"alert of search {search.id}", ids[:most], options, is_by_now=True)
    return News(search, len(ids), frames, _link(search, ids)) if frames else None


def build_mail(message: AlertMessage, news: News, *, is_again: bool) -> EmailMessage:
    """Return the mail that tells of new frames.

    Parameters
    ----------
    is_again
        Whether it may have been delivered already.
    """
    facts = {"news": news, "is_again": is_again, "unsubscribe": links.link_unsubscribe(news.search)}
    mail = _build(message, news.headline, "alert", facts | {"conditions": queries.describe_search(news.search)})
    mail["List-Unsubscribe"] = f"<{facts['unsubscribe']}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return mail


def build_confirmation(message: AlertMessage, search: SavedSearch) -> EmailMessage:
    """Return the mail that asks whoever reads it whether they want alerts."""
    facts = {"search": search, "link": links.link_confirmation(search), "days": links.CONFIRMATION_DAYS}
    return _build(message, f"Shall {get_config().archive_name} mail you?", "confirmation", facts)


def build_call(message: AlertMessage, news: News) -> bytes:
    """Return the JSON that a webhook is sent."""
    address = f"{url_for('frames_views.search', _external=True)}?{news.search.query}"
    search = {"id": news.search.id, "name": news.search.name, "url": address}
    data = {"search": search, "count": news.count, "url": news.address, "frames": list(map(_describe, news.frames))}
    envelope = {"type": EVENT, "id": message.key, "timestamp": format_time(message.made), "data": data}
    return json.dumps(envelope).encode()


def _build(message: AlertMessage, subject: str, template: str, facts: Mapping[str, Any]) -> EmailMessage:
    """Return a mail as plain text, and as HTML that loads nothing."""
    config, mail = get_config(), EmailMessage(POLICY)
    mail["Subject"], mail["To"] = subject, message.recipient
    mail["From"] = Address(config.archive_name, addr_spec=config.mail_from)
    mail["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    mail["Message-ID"] = f"<{message.key}@{config.mail_from.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    facts = {**facts, "archive": config.archive_name}
    mail.set_content(render_template(f"saved_searches/{template}.txt", **facts), cte="quoted-printable")
    mail.add_alternative(
        render_template(f"saved_searches/{template}_mail.html", **facts), "html", cte="quoted-printable"
    )
    return mail


def _describe(frame: FoundFrame) -> dict[str, Any]:
    row = frame.row
    return {
        "frameid": row.id,
        "basename": row.basename,
        "url": url_for("frames_views.show_frame", frame_id=row.id, _external=True),
        "observation_date": format_time(row.observation_date),
        "public_date": format_time(row.public_date),
        **{name: getattr(row, name) for name in TOLD},
    }


def _link(search: SavedSearch, ids: Sequence[int]) -> str:
    """Return the address of a search between the observation times of the first and the last of some frames.

    `ids` has the newest first.
    """
    dates = dict(
        db.session.execute(select(Frame.id, Frame.observation_date).where(Frame.id.in_({ids[0], ids[-1]}))).all()
    )
    window = {"start": format_time(dates[ids[-1]]), "end": format_time(dates[ids[0]])}
    return build_address(url_for("frames_views.search", _external=True), queries.read_arguments(search), **window)
