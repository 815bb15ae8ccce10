"""The commands of ``flask --app wsgi``, and what any of them says when it, or the database, does not do."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy.exc import DBAPIError, OperationalError

from app.errors import ArchiveError

SQLITE_LACKS = ("no such table", "no such column")


class ArchiveCommands(AppGroup):
    """The group of all commands. What they can't do is told in a line."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command that tells why it fails."""
        ctx.with_resource(_explained_errors())
        return super().get_command(ctx, name)


@contextmanager
def _explained_errors() -> Iterator[None]:
    try:
        yield
    except ArchiveError as error:
        raise click.ClickException(error.message) from error
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        if _lacks_tables(error):
            raise click.ClickException(
                f"The database lacks tables of this archive ({reason}): make them by “flask --app wsgi db upgrade”, "
                "or start the archive once by “make run”."
            ) from error
        if isinstance(error, OperationalError):
            raise click.ClickException(
                f"The database does not answer ({reason}): start it, or mend DATABASE_URL or DATA_DIR."
            ) from error
        raise


def _lacks_tables(error: DBAPIError) -> bool:
    return isinstance(error.orig, UndefinedTable | UndefinedColumn) or str(error.orig).startswith(SQLITE_LACKS)
