"""Pages of a list by limit and offset, in the shape that OCS programs know: {count, next, previous, results}."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from sqlalchemy import Row, Select, func, select

from app.addresses import address_with
from app.extensions import db
from app.fields import WholeNumber

DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1000


class PageSchema(ma.Schema):
    """Which page of a list is asked for."""

    limit = ma.fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=ma.validate.Range(min=1),
        metadata={"description": f"How many a page; {LARGEST_LIMIT} at most."},
    )
    offset = WholeNumber(smallest=0, load_default=0, metadata={"description": "How many to pass over."})
    format = ma.fields.String(validate=ma.validate.OneOf(["json"]), metadata={"description": "json, always."})


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and how many it has."""

    rows: Sequence[Row[Any]]
    count: int
    limit: int
    offset: int

    def build(self, build_record: Callable[[Row[Any]], dict[str, Any]]) -> dict[str, Any]:
        """Return the page as JSON, each row as `build_record` shows it."""
        has_more = self.offset + self.limit < self.count
        return build_links(self.count, self.limit, self.offset, has_more) | {
            "results": [build_record(row) for row in self.rows]
        }


def read_page(statement: Select[Any], search: Mapping[str, Any]) -> Page:
    """Return the page of a statement's rows that a search, as a `PageSchema` loads it, asks for; the count is exact."""
    limit, offset = min(search["limit"], LARGEST_LIMIT), search["offset"]
    count = db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    return Page(db.session.execute(statement.limit(limit).offset(offset)).all(), count, limit, offset)


def build_links(count: int, limit: int, offset: int, has_more: bool) -> dict[str, Any]:
    """Return a list's count, and the addresses of the pages beside the one that was asked for."""
    return {
        "count": count,
        "next": address_with(limit=limit, offset=offset + limit) if has_more else None,
        "previous": address_with(limit=limit, offset=max(offset - limit, 0)) if offset else None,
    }
