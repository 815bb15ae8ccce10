"""Proposals' members from a shell: ``flask --app wsgi proposal …``."""

from itertools import groupby
from operator import attrgetter

import click
from flask import Blueprint

from app.extensions import db
from app.proposals import actions, queries

blueprint = Blueprint("proposals_cli", __name__, cli_group=None)


@blueprint.cli.group("proposal")
def proposal() -> None:
    """Who sees a proposal's frames before they are public."""


@proposal.command("list")
def show_members() -> None:
    """List the proposals that have members, and these."""
    for proposal_id, members in groupby(queries.list_memberships(), attrgetter("proposal_id")):
        click.echo(f"{proposal_id}: {' '.join(member.username for member in members)}")


@proposal.command("add")
@click.argument("proposal_id")
@click.argument("usernames", nargs=-1, required=True)
def add_members(proposal_id: str, usernames: tuple[str, ...]) -> None:
    """Make users members of a proposal, all or none."""
    for username in usernames:
        actions.add_member(proposal_id, username)
    db.session.commit()
    click.echo(f"Members of {proposal_id} now: {', '.join(usernames)}.")


@proposal.command("remove")
@click.argument("proposal_id")
@click.argument("usernames", nargs=-1, required=True)
def remove_members(proposal_id: str, usernames: tuple[str, ...]) -> None:
    """End users' memberships of a proposal, of all or none."""
    for username in usernames:
        actions.remove_member(proposal_id, username)
    db.session.commit()
    click.echo(f"No members of {proposal_id} any more: {', '.join(usernames)}.")
