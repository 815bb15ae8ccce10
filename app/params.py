"""The one parser of request parameters: unknown and repeated names are errors, blanks count as absent."""

import difflib
from collections.abc import Mapping
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request, request
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict

from app.errors import BadRequest


class StrictParser(FlaskParser):
    """webargs for Flask, but for what it would pass over in silence."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": ma.RAISE, "form": ma.RAISE}

    def load_querystring(self, req: Request, schema: ma.Schema) -> MultiDictProxy:
        return _strict(req.args, schema)

    def load_form(self, req: Request, schema: ma.Schema) -> MultiDictProxy:
        return _strict(req.form, schema)

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_kwargs: Any) -> NoReturn:
        fields = error.messages_dict
        fields = fields.get("query") or fields.get("form") or fields.get("json") or fields
        raise build_bad_parameter(fields) from error


parser = StrictParser()
use_args = parser.use_args


def parse_query(schema: ma.Schema) -> dict[str, Any]:
    """Return the query string's parameters, as the schema loads them.

    Raises
    ------
    BadRequest
        If a parameter is unknown, repeated or malformed; it names each of them.
    """
    parsed: dict[str, Any] = parser.parse(schema, request, location="query")
    return parsed


def suggest(name: str, known: Mapping[str, Any]) -> str:
    """Say that a parameter is unknown, and which one was perhaps meant."""
    wanted = name.lower()
    beginning = [candidate for candidate in known if candidate.lower().startswith(wanted)]
    containing = [candidate for candidate in known if wanted in candidate.lower()]
    similar = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    nearest = next(iter(beginning + similar + containing), None)
    return "There is no such parameter" + (f"; did you mean {nearest}?" if nearest else ".")


def build_bad_parameter(fields: dict[str, Any]) -> BadRequest:
    """Return the error that names each parameter and what is wrong with it."""
    return BadRequest(_sentence(fields), code="bad_parameter", fields=fields)


def _strict(values: "MultiDict[str, str]", schema: ma.Schema) -> MultiDictProxy:
    filled = MultiDict((name, value.strip()) for name, value in values.items(multi=True) if value.strip())
    proxy = MultiDictProxy(filled, schema)
    known = {field.data_key or name: field for name, field in schema.load_fields.items()}
    errors = {name: [suggest(name, known)] for name in values if name not in known}
    errors |= {
        name: ["This parameter is given more than once."]
        for name in filled
        if name in known and name not in proxy.multiple_keys and len(filled.getlist(name)) > 1
    }
    if errors:
        raise build_bad_parameter(errors)
    return proxy


def _sentence(fields: Mapping[str, Any]) -> str:
    return " ".join(f"{name}: {_first(messages)}" for name, messages in fields.items())


def _first(messages: Any) -> str:
    while isinstance(messages, (list, dict)) and messages:
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
    return str(messages)
