"""``flask --app wsgi columns build``."""

from typing import cast

import click
from flask import Blueprint, current_app

from app.frame_columns.refresh import FrameColumns

blueprint = Blueprint("columns", __name__)


@blueprint.cli.command("build")
def build() -> None:
    """Make the file of the columns anew: the web processes do so by themselves; before an upgrade it saves a wait."""
    columns = cast(FrameColumns, current_app.extensions["frame_columns"])
    made = columns.build()
    click.echo(f"{columns.file} is made." if made else "Another process is making it.")
