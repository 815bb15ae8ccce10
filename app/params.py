"""The one parser of request parameters: unknown and repeated names are errors, blanks count as absent."""

import difflib
import itertools
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request, request
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import BadRequest, TooLarge

LEAST_LIKENESS = 0.6
MOST_TOLD, MOST_LIKENED = 100, 10  # of the unknown names: to look for what each of very many is like takes minutes
LONGEST_LIKE = 100  # characters of a name that is perhaps mistyped
WHOLE_BODY = "_schema"  # marshmallow's name for it


class StrictParser(FlaskParser):
    """webargs for Flask, but for what it would pass over in silence."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": ma.RAISE, "form": ma.RAISE}

    def load_querystring(self, req: Request, schema: ma.Schema) -> dict[str, Any]:
        return _strict(req.args, schema)

    def load_form(self, req: Request, schema: ma.Schema) -> dict[str, Any]:
        return _strict(req.form, schema)

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        try:
            return super().load_json(req, schema)
        except ValueError:
            raise BadRequest("The body has a number of more digits than the archive reads.", code="bad_json") from None

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_kwargs: Any) -> NoReturn:
        fields = error.messages_dict
        fields = fields.get("query") or fields.get("form") or fields.get("json") or fields
        if WHOLE_BODY in fields:
            raise BadRequest("The body must be a JSON object.", code="bad_json") from error
        known = name_fields(schema)
        told = {name: messages for name, messages in fields.items() if name in known}
        raise build_bad_parameter(told | _refuse_unknown(fields, known)) from error

    def _handle_invalid_json_error(self, error: Exception, req: Request, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise BadRequest(f"The body is no JSON: {error}.", code="bad_json") from error


parser = StrictParser()


def parse_query(schema: ma.Schema) -> dict[str, Any]:
    """Return the query string's parameters, as the schema loads them.

    Raises
    ------
    BadRequest
        If a parameter is unknown, repeated or malformed; it names each of them.
    """
    parsed: dict[str, Any]
    if not request.query_string:  # most of the many requests by id
        with suppress(ma.ValidationError):  # what is missing, the parser says
            parsed = schema.load({})
            return parsed
    parsed = parser.parse(schema, request, location="query")
    return parsed


def parse_form(schema: ma.Schema) -> dict[str, Any]:
    """Return a form's fields, as the schema loads them.

    Raises
    ------
    BadRequest
        As `parse_query`.
    """
    parsed: dict[str, Any] = parser.parse(schema, request, location="form")
    return parsed


def load_texts(schema: ma.Schema, texts: "MultiDict[str, str]") -> dict[str, Any]:
    """Return parameters that are those of no query string, as the schema loads them.

    Raises
    ------
    BadRequest
        As `parse_query`.
    """
    try:
        loaded: dict[str, Any] = schema.load(_strict(texts, schema))
    except ma.ValidationError as error:
        parser.handle_error(error, request, schema)
    return loaded


def parse_body(schema: ma.Schema, largest_bytes: int) -> dict[str, Any]:
    """Return a JSON body, as the schema loads it.

    Raises
    ------
    BadRequest
        If it is no JSON object, or a field is malformed; it names each of them.
    TooLarge
        If it has more than `largest_bytes`.
    """
    request.max_content_length = largest_bytes
    try:
        parsed: dict[str, Any] = parser.parse(schema, request, location="json")
    except RequestEntityTooLarge:
        raise TooLarge(f"The body is too large: this address takes at most {largest_bytes // 2**20} MiB.") from None
    return parsed


def name_fields(schema: ma.Schema) -> dict[str, ma.fields.Field[Any]]:
    """Return a schema's fields by the names under which they are sent."""
    return {field.data_key or name: field for name, field in schema.load_fields.items()}


def suggest(name: str, known: Mapping[str, Any]) -> str:
    """Say that a parameter is unknown, and which one was perhaps meant."""
    candidates = known if len(name) <= LONGEST_LIKE else ()
    nearest = max(candidates, key=lambda candidate: _likeness(name.lower(), candidate.lower()), default="")
    if not nearest or _likeness(name.lower(), nearest.lower()) < LEAST_LIKENESS:
        nearest = ""
    return "There is no such parameter" + (f"; did you mean {nearest}?" if nearest else ".")


def build_bad_parameter(fields: dict[str, Any]) -> BadRequest:
    """Return the error that names each parameter and what is wrong with it."""
    return BadRequest(_sentence(fields), code="bad_parameter", fields=fields)


def _likeness(typed: str, known: str) -> float:
    """Compare with the whole of a name and with its beginning, as names are often cut short."""
    wholes = (known, known[: len(typed)], known[: len(typed) + 1])
    return max(difflib.SequenceMatcher(None, typed, whole).ratio() for whole in wholes) + 0.1 * (typed in known)


def _strict(values: "MultiDict[str, str]", schema: ma.Schema) -> dict[str, Any]:
    filled = MultiDict((name, value.strip()) for name, value in values.items(multi=True) if value.strip())
    proxy = MultiDictProxy(filled, schema)
    known = name_fields(schema)
    errors = _refuse_unknown(values, known) | {
        name: ["This parameter is given more than once."]
        for name in filled
        if name in known and name not in proxy.multiple_keys and len(filled.getlist(name)) > 1
    }
    if errors:
        raise build_bad_parameter(errors)
    return {name: proxy[name] for name in filled}  # the proxy raises an error for each name that is absent


def _refuse_unknown(names: Iterable[str], known: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what is wrong with names that are none of a parameter's; of very many, with the first."""
    unknown = itertools.islice((name for name in names if name not in known), MOST_TOLD)
    return {
        name[:LONGEST_LIKE]: [suggest(name, known if place < MOST_LIKENED else {})]
        for place, name in enumerate(unknown)
    }


def _sentence(fields: Mapping[str, Any]) -> str:
    return " ".join(f"{name}: {_first(messages)}" for name, messages in fields.items())


def _first(messages: Any) -> str:
    while isinstance(messages, (list, dict)) and messages:
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
    return str(messages)
