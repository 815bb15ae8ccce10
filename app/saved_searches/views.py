"""The searches that one keeps, and the links of mails. All of it works by forms."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.accounts.models import User
from app.accounts.viewer import require_session
from app.addresses import build_address
from app.errors import BadRequest, NotFound
from app.extensions import db, get_config
from app.params import name_fields, parse_query
from app.saved_searches import actions, links, queries
from app.saved_searches.models import SavedSearch
from app.saved_searches.schemas import AlertSchema, KeptSearchSchema, NameSchema

HOURS = range(24)

blueprint = Blueprint("saved_searches", __name__)


@blueprint.app_template_global()
def link_save_search(search: "MultiDict[str, str]") -> str:
    """Return the address that keeps a search."""
    known = name_fields(KeptSearchSchema())
    texts = MultiDict((name, text.strip()) for name, text in search.items(multi=True) if name in known and text.strip())
    return build_address(url_for("saved_searches.save"), texts)


@blueprint.app_template_global()
def may_save_searches() -> bool:
    """Say whether users may keep searches at all."""
    return get_config().saved_searches_per_user > 0


@blueprint.get("/searches")
def list_searches() -> str:
    """The searches that one keeps."""
    searches = queries.list_searches(require_session())
    most = get_config().saved_searches_per_user
    return render_template(
        "saved_searches/searches.html", searches=searches, describe=queries.describe_search, most=most
    )


@blueprint.post("/searches")
def save() -> ResponseReturnValue:
    """Keep the search that the parameters of the address are, under a name."""
    user, loaded = require_session(), parse_query(KeptSearchSchema())
    texts = [(name, text) for name, text in request.args.items(multi=True) if text.strip()]
    try:
        name = NameSchema().load(request.form)["name"]
    except ma.ValidationError as error:
        raise BadRequest(f"The name of a search: {' '.join(error.messages_dict['name'])}", code="bad_name") from None
    search = actions.save_search(user, name, texts, loaded)
    db.session.commit()
    flash("The search is saved. Say below whether you want to be told of new frames.", "good")
    return _go_to(search)


@blueprint.get("/searches/<int:search_id>")
def show_search(search_id: int) -> str:
    """One search: its name, and how its owner is told of new frames."""
    return _render(_get(search_id))


@blueprint.post("/searches/<int:search_id>/name")
def rename(search_id: int) -> ResponseReturnValue:
    """Give a search another name."""
    search = _get(search_id)
    try:
        search.name = NameSchema().load(request.form)["name"]
    except ma.ValidationError as error:
        return _render(search, errors=error.messages_dict), HTTPStatus.BAD_REQUEST
    db.session.commit()
    flash("The search has its new name.", "good")
    return _go_to(search)


@blueprint.post("/searches/<int:search_id>/alert")
def set_alert(search_id: int) -> ResponseReturnValue:
    """Decide how one is told of new frames."""
    search = _get(search_id)
    try:
        actions.set_alert(search, AlertSchema().load(request.form))
    except ma.ValidationError as error:
        return _render(search, errors=error.messages_dict), HTTPStatus.BAD_REQUEST
    except BadRequest as refused:
        db.session.rollback()
        return _render(_get(search_id), errors={"way": [refused.message]}), HTTPStatus.BAD_REQUEST
    db.session.commit()
    flash(_describe_state(search), "good")
    return _go_to(search)


@blueprint.post("/searches/<int:search_id>/confirmation")
def ask_again(search_id: int) -> ResponseReturnValue:
    """Have the mail sent once more that asks whether the address is right."""
    search = _get(search_id)
    if search.way != "mail" or search.confirmed is not None:
        raise NotFound("There is nothing to confirm.", code="nothing_to_confirm")
    actions.ask_for_confirmation(search)
    db.session.commit()
    flash(f"A mail to {search.recipient} is on its way.", "good")
    return _go_to(search)


@blueprint.post("/searches/<int:search_id>/pause")
def pause(search_id: int) -> ResponseReturnValue:
    """Be told nothing for the time being."""
    search = _get(search_id)
    actions.pause(search, actions.BY_USER)
    db.session.commit()
    flash("Paused: what comes in meanwhile is not told.", "good")
    return _go_to(search)


@blueprint.post("/searches/<int:search_id>/resume")
def resume(search_id: int) -> ResponseReturnValue:
    """Be told of new frames again."""
    search = _get(search_id)
    actions.resume(search)
    db.session.commit()
    flash(_describe_state(search), "good")
    return _go_to(search)


@blueprint.post("/searches/<int:search_id>/delete")
def delete(search_id: int) -> ResponseReturnValue:
    """Forget a search."""
    search = _get(search_id)
    name = search.name
    actions.delete_search(search)
    db.session.commit()
    flash(f"The search “{name}” is deleted.", "good")
    return redirect(url_for(".list_searches"))


@blueprint.get("/alerts/unsubscribe/<token>")
def show_unsubscribe(token: str) -> str:
    """Ask whoever follows the link of a mail whether they want no more; a look ahead by a mail program ends nothing."""
    search = queries.find_search_by_key(links.read_unsubscribe(token))
    return render_template("saved_searches/unsubscribe.html", search=search)


@blueprint.post("/alerts/unsubscribe/<token>")
def unsubscribe(token: str) -> str:
    """End the alerts of a search: by the button, or by a mail program on its own (RFC 8058), without log-in."""
    search = queries.find_search_by_key(links.read_unsubscribe(token))
    if search is not None:
        actions.unsubscribe(search)
        db.session.commit()
    return render_template("saved_searches/unsubscribe.html", search=search, is_done=True)


@blueprint.get("/alerts/confirm/<token>")
def show_confirmation(token: str) -> str:
    """Ask whoever follows the link of a mail whether they want alerts."""
    key, address = links.read_confirmation(token)
    return render_template("saved_searches/confirmation.html", search=queries.find_search_by_key(key), address=address)


@blueprint.post("/alerts/confirm/<token>")
def confirm(token: str) -> str:
    """Send alerts to an address from now on."""
    search = actions.confirm(*links.read_confirmation(token))
    db.session.commit()
    return render_template("saved_searches/confirmation.html", search=search, address=search.recipient, is_done=True)


def _get(search_id: int) -> SavedSearch:
    return queries.get_search(require_session(), search_id)


def _go_to(search: SavedSearch) -> ResponseReturnValue:
    return redirect(url_for(".show_search", search_id=search.id))


def _describe_state(search: SavedSearch) -> str:
    if not search.way:
        return "You are not told of new frames."
    if search.way == "mail" and search.confirmed is None:
        return f"A mail to {search.recipient} asks whether the address is right: follow its link."
    return "You are told of frames that are new from now on."


def _render(search: SavedSearch, errors: Mapping[str, Any] | None = None) -> str:
    user: User = search.user
    return render_template(
        "saved_searches/search.html",
        search=search,
        conditions=queries.describe_search(search),
        waiting=queries.count_waiting(search),
        secret=links.derive_webhook_secret(search) if search.way == "webhook" else "",
        has_mail=bool(get_config().smtp_host),
        hours=HOURS,
        values=request.form if errors else _fill(search),
        errors=errors or {},
        user=user,
    )


def _fill(search: SavedSearch) -> dict[str, Any]:
    """Return what stands in the form."""
    often = "at once" if search.daily_hour is None else "daily"
    values: dict[str, Any] = {"name": search.name, "way": search.way, "often": often}
    return values | {"hour": 8 if search.daily_hour is None else search.daily_hour, search.way: search.recipient}
