"""Reads that come with nearly every request: SQLAlchemy compiles each once, and from then on the driver executes it.

What SQLAlchemy does at each execution takes four times the processor time that the driver takes for one frame.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]


class OftenRead:
    """A statement whose rows come as named tuples.

    Attributes
    ----------
    statement
        The same for SQLAlchemy to execute; its parameters are all there is to choose.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def fetch_all(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """Return all rows.

        Parameters
        ----------
        connection
            One that no transaction has begun on.

        Raises
        ------
        Exception
            The driver's own error; nobody knows then what state the connection is in.
        """
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = _Compiled(self.statement, dialect)
        compiled, driver = self._compiled[dialect.name], connection.connection.dbapi_connection
        assert driver is not None  # noqa: S101  # for the type checker: the connection is open
        if dialect.name != "postgresql":  # SQLite begins no transaction for a read
            return compiled.fetch_all(driver.cursor(), parameters)
        driver.autocommit = True
        rows = compiled.fetch_all(driver.cursor(binary=True), parameters)
        driver.autocommit = False
        return rows


class _Compiled:
    """A statement in the words of one database."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._dialect, self._text = dialect, str(compiled)
        self._order: list[str] | None = getattr(compiled, "positiontup", None)
        self._constants, self._to_driver = dict(compiled.params), {}
        for name, parameter in compiled.binds.items():
            if convert := _adapt(parameter.type, dialect).bind_processor(dialect):
                self._to_driver[name] = convert
                self._constants[name] = convert(parameter.effective_value)
        self._columns = statement.selected_columns.items()
        make_type: Any = namedtuple  # its checker wants names that stand here
        self._make_row: Convert = make_type("Row", [name for name, _ in self._columns])._make
        self._from_driver: list[tuple[int, Convert]] | None = None  # the first answer has the driver's names of types

    def fetch_all(self, cursor: Any, parameters: Mapping[str, Any]) -> list[Any]:
        values = {**self._constants, **parameters}
        for name in parameters.keys() & self._to_driver.keys():
            values[name] = self._to_driver[name](values[name])
        cursor.execute(self._text, [values[name] for name in self._order] if self._order else values)
        rows = list(map(list, cursor.fetchall()))
        if self._from_driver is None:
            self._from_driver = self._find_converts(cursor.description)
        cursor.close()
        for place, convert in self._from_driver:
            for row in rows:
                row[place] = convert(row[place])
        return list(map(self._make_row, rows))

    def _find_converts(self, description: Sequence[Any]) -> list[tuple[int, Convert]]:
        """Return what is done to which columns, by the cursor's description of them."""
        dialect, pairs = self._dialect, zip(self._columns, description, strict=True)
        converts = (_adapt(column.type, dialect).result_processor(dialect, told[1]) for (_, column), told in pairs)
        return [(place, convert) for place, convert in enumerate(converts) if convert]


def _adapt(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)
