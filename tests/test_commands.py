"""What any command says when it, or the database, does not do."""

from pathlib import Path

import pytest

from tests.fixtures.application import MakeApp
from tests.services import LOOPBACK, PostgresServer

LIST_USERS = ["user", "list"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the command is given another
class TestDatabases:
    def test_without_tables_it_says_how_to_make_them(
        self, make_app: MakeApp, tmp_path: Path, postgres: PostgresServer
    ) -> None:
        for url in (f"sqlite:///{tmp_path / 'empty.db'}", postgres.create_database()):
            said = make_app(DATABASE_URL=url).test_cli_runner().invoke(args=LIST_USERS)
            assert said.exit_code == 1
            (line,) = said.output.splitlines()
            assert line.startswith("Error: The database lacks tables of this archive (")
            assert line.endswith("make them by “flask --app wsgi db upgrade”, or start the archive once by “make run”.")

    def test_away_it_says_what_to_mend(self, make_app: MakeApp) -> None:
        app = make_app(DATABASE_URL=f"postgresql://archive:secret@{LOOPBACK}:1/archive")
        said = app.test_cli_runner().invoke(args=LIST_USERS)
        assert said.exit_code == 1
        assert said.output.startswith("Error: The database does not answer (")
        assert said.output.endswith("start it, or mend DATABASE_URL or DATA_DIR.\n")
        assert "secret" not in said.output

    def test_what_is_wrong_otherwise_is_not_hidden(self, make_app: MakeApp) -> None:
        said = make_app().test_cli_runner().invoke(args=["user", "disable", "nobody"])
        assert (said.exit_code, said.output) == (1, "Error: There is no user 'nobody'.\n")
