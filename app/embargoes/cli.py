"""Embargoes from a shell: ``flask --app wsgi embargo …``."""

import os
import pwd

import click
from flask import Blueprint

from app.embargoes import actions
from app.embargoes.models import Embargo
from app.embargoes.queries import get_frame_id, list_rulings
from app.embargoes.records import describe_extent, describe_outcome
from app.embargoes.schemas import build_ruling
from app.extensions import db
from app.times import format_utc

blueprint = Blueprint("embargoes_cli", __name__, cli_group=None)


def _name_login() -> str:
    """Return whom the system takes the shell's user for; a container may have no name for them."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


frame_option = click.option("--frame", "basename", help="Basename of the one frame.")
proposal_option = click.option("--proposal", "proposal_id", help="Id of the proposal.")
reason_option = click.option("--reason", required=True, help="Why; it is kept with the ruling.")
by_option = click.option("--by", "username", default=_name_login, help="Who rules; the shell's user if absent.")


@blueprint.cli.group("embargo")
def embargo() -> None:
    """When frames become public, other than their own records say."""


@embargo.command("set")
@frame_option
@proposal_option
@click.option("--until", required=True, help="Public from then on (UTC), such as 2027-06-01; or “never”.")
@reason_option
@by_option
def set_public_date(until: str, reason: str, username: str, **subject: str | None) -> None:
    """Set the public date of a frame, or of a proposal's frames, present and to come."""
    values = {"public_date": until, "reason": reason}
    _rule(build_ruling(values, stands=True, username=username), **subject)


@embargo.command("clear")
@frame_option
@proposal_option
@reason_option
@by_option
def clear_public_date(reason: str, username: str, **subject: str | None) -> None:
    """End a ruling: what the frames' own records say counts again, or for a frame what its proposal's ruling says."""
    _rule(build_ruling({"reason": reason}, stands=False, username=username), **subject)


@embargo.command("list")
@frame_option
@proposal_option
def show_rulings(basename: str | None, proposal_id: str | None) -> None:
    """List the newest rulings: when, by whom, on what, what it does, and why."""
    conditions = []
    if basename is not None:
        conditions.append(Embargo.frame_id == get_frame_id(basename))
    if proposal_id is not None:
        conditions.append(Embargo.proposal_id == proposal_id)
    for ruling, frame_basename in list_rulings(*conditions):
        subject = f"frame {frame_basename}" if frame_basename else f"proposal {ruling.proposal_id}"
        told = f"{subject}: {describe_outcome(ruling)} ({describe_extent(ruling)})"
        click.echo(f"{format_utc(ruling.created)} {ruling.username} · {told} · {ruling.reason}")


def _rule(ruling: Embargo, basename: str | None, proposal_id: str | None) -> None:
    if not ruling.username:
        raise click.UsageError("Say who rules, by --by.")
    if (basename is None) == (proposal_id is None):
        raise click.UsageError("Name either a frame by --frame or a proposal by --proposal.")
    if proposal_id is not None:
        actions.rule_on_proposal(proposal_id, ruling)
    else:
        actions.rule_on_frame(get_frame_id(basename or ""), ruling)
    db.session.commit()
    click.echo(f"{basename or proposal_id}: {describe_outcome(ruling)} ({describe_extent(ruling)}).")
