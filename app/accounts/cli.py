"""Accounts from a shell: ``flask --app wsgi user create NAME`` and ``flask --app wsgi token create NAME``."""

import click
from flask import Blueprint

from app.accounts import actions
from app.accounts.queries import find_user
from app.errors import BadRequest
from app.extensions import db

blueprint = Blueprint("accounts_cli", __name__, cli_group=None)


@blueprint.cli.group("user")
def user() -> None:
    """Accounts."""


@blueprint.cli.group("token")
def token() -> None:
    """API tokens."""


@user.command("create")
@click.argument("username")
@click.option("--admin", is_flag=True, help="An operator, who may see and ingest everything.")
@click.option("--proposal", "proposals", multiple=True, help="A proposal whose frames they may see; may be repeated.")
@click.password_option(help="Asked for if it is not given; a shell's history would keep it.")
def create_user(username: str, admin: bool, proposals: tuple[str, ...], password: str) -> None:
    """Make an account."""
    try:
        actions.create_user(username, password, is_admin=admin, proposals=proposals)
    except BadRequest as error:
        raise click.ClickException(error.message) from error
    db.session.commit()
    click.echo(f"{username} may log in now.")


@token.command("create")
@click.argument("username")
@click.option("--name", default="shell", help="What the token is for.")
def create_token(username: str, name: str) -> None:
    """Give a user an API token, and print it this once."""
    owner = find_user(username)
    if owner is None:
        raise click.ClickException(f"There is no user {username!r}.")
    made = actions.create_token(owner, name)
    db.session.commit()
    click.echo(made)
