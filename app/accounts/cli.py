"""Accounts from a shell: ``flask --app wsgi user …`` and ``flask --app wsgi token …``.

A password is asked for, twice; it is never part of a command, which shells and lists of processes keep.
"""

import datetime as dt
import sys
from collections.abc import Sequence

import click
from flask import Blueprint
from rich.console import Console
from rich.table import Table

from app.accounts import actions
from app.accounts.models import Scope, User
from app.accounts.passwords import check_password
from app.accounts.queries import get_user, list_tokens, list_users
from app.extensions import db
from app.times import format_utc

LONGEST_LINE = 500  # a terminal folds what is too long for it, a pipe does not

blueprint = Blueprint("accounts_cli", __name__, cli_group=None)


@blueprint.cli.group("user")
def user() -> None:
    """Accounts."""


@blueprint.cli.group("token")
def token() -> None:
    """API tokens."""


@user.command("create")
@click.argument("username")
@click.option("--admin", is_flag=True, help="An operator, who may see and do everything.")
@click.option("--proposal", "proposals", multiple=True, help="A proposal whose frames they may see; may be repeated.")
def create_user(username: str, admin: bool, proposals: tuple[str, ...]) -> None:
    """Make an account; its password is asked for."""
    actions.create_user(username, _ask_password(username), is_admin=admin, proposals=proposals)
    db.session.commit()
    click.echo(f"{username} may log in now.")


@user.command("list")
def show_users() -> None:
    """List the accounts."""
    rows = [
        (found.username, _describe_role(found), " ".join(sorted(member.proposal_id for member in found.memberships)))
        for found in list_users()
    ]
    _print_table(("user", "role", "proposals"), rows)


@user.command("disable")
@click.argument("username")
def disable_user(username: str) -> None:
    """Keep a user out, by password, session and token."""
    actions.switch_off(get_user(username))
    db.session.commit()
    click.echo(f"{username} is kept out. “user enable” lets them in again.")


@user.command("enable")
@click.argument("username")
def enable_user(username: str) -> None:
    """Let a user in again; their tokens work again, too."""
    actions.switch_on(get_user(username))
    db.session.commit()
    click.echo(f"{username} may log in again.")


@user.command("set-password")
@click.argument("username")
def set_password(username: str) -> None:
    """Give a user another password, which is asked for, and log them out everywhere."""
    found = get_user(username)
    actions.set_password(found, _ask_password(username))
    db.session.commit()
    click.echo(f"{username} has a new password, and is logged out everywhere.")


@user.command("hand-to-portal")
@click.argument("username")
def hand_to_portal(username: str) -> None:
    """Give a local account to the Observation Portal's user of this name.

    Its password, tokens and sessions end; its proposals become the portal's when they next come.
    """
    actions.hand_to_portal(get_user(username))
    db.session.commit()
    click.echo(f"{username} is the Observation Portal's user of this name now.")


@token.command("create")
@click.argument("username")
@click.option("--name", default="shell", help="What the token is for.")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    help="read, ingest (also sends files and records) or admin; if not given, all that its owner may.",
)
@click.option("--days", type=click.IntRange(1), help="Days for which it works; if not given, until it is revoked.")
def create_token(username: str, name: str, scope: str | None, days: int | None) -> None:
    """Give a user an API token, and print it this once."""
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=days) if days else None
    made = actions.create_token(get_user(username), name, Scope(scope) if scope else None, expires)
    db.session.commit()
    click.echo(made)


@token.command("list")
@click.argument("username")
def show_tokens(username: str) -> None:
    """List a user's tokens: what for, and until and since when, but not themselves."""
    rows = [
        (str(one.id), one.name, one.scope, *map(format_utc, (one.created, one.expires, one.last_used)))
        for one in list_tokens(get_user(username))
    ]
    _print_table(("id", "name", "scope", "created (UTC)", "expires", "last used"), rows)


@token.command("revoke")
@click.argument("username")
@click.argument("token_id", type=int)
def revoke_token(username: str, token_id: int) -> None:
    """End one of a user's tokens, by its number in “token list”."""
    name = actions.revoke_token(get_user(username), token_id)
    db.session.commit()
    click.echo(f"Token {token_id} ({name}) of {username} works no more.")


def _ask_password(username: str) -> str:
    """Ask for a new password, without showing it."""
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return check_password(password, username)


def _describe_role(found: User) -> str:
    marks = {", of the portal": found.is_from_portal, ", disabled": found.is_disabled}
    return ("operator" if found.is_admin else "user") + "".join(mark for mark, holds in marks.items() if holds)


def _print_table(columns: tuple[str, ...], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(file=sys.stdout, width=LONGEST_LINE, markup=False, highlight=False).print(table)
