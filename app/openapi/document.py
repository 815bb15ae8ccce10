"""Builds the OpenAPI document from the routes and from the schemas by which they read."""

import copy
import inspect
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from werkzeug.routing import Rule

from app.fields import LARGEST_BIGINT
from app.openapi.answers import ErrorSchema
from app.openapi.operations import JSON, OPERATIONS, Operation, SchemaType, Who
from app.rate_limits import is_counted

OPENAPI_VERSION = "3.1.0"
API_VERSION = "1"
DESCRIPTION = (
    "Frames of an observatory: search, download, ingest. Every address answers with and without a slash at its end. "
    "Times are UTC, positions ICRS degrees."
)
SECURITY_SCHEMES = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "Token, a space, the token: one of this archive's, or the Observation Portal's API token.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same token, or the Observation Portal's OAuth token.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "A log-in; for reading only."},
}
PLACEHOLDER = re.compile(r"<(?:(?P<converter>\w+)(?:\((?P<choices>[^)]*)\))?:)?(?P<name>\w+)>")
Json = dict[str, Any]


def build_document(app: Flask, title: str, server_url: str, examples: Mapping[str, Any]) -> Json:
    """Return the document.

    Parameters
    ----------
    app
        Whose routes it describes.
    title
        The archive's name.
    server_url
        The address before the paths.
    examples
        A request and its answer for each endpoint that has an example.
    """
    plugin = MarshmallowPlugin()
    info = {"description": DESCRIPTION}
    spec = APISpec(title, API_VERSION, OPENAPI_VERSION, [plugin], info=info, servers=[{"url": server_url}])
    if plugin.converter:
        plugin.converter.add_attribute_function(_describe_custom_field)  # type: ignore[no-untyped-call]  # apispec left it so
    cookie = {"session": SECURITY_SCHEMES["session"] | {"name": app.config["SESSION_COOKIE_NAME"]}}
    for name, scheme in (SECURITY_SCHEMES | cookie).items():
        spec.components.security_scheme(name, scheme)
    for rule, method in iter_routes(app):
        view = app.view_functions[rule.endpoint]
        described = _describe(rule, method, inspect.getdoc(view) or "", examples.get(rule.endpoint, {}))
        spec.path(PLACEHOLDER.sub(r"{\g<name>}", rule.rule), operations={method.lower(): described})
    return spec.to_dict()


def iter_routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Yield the routes that the document describes, each with its one method."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPERATIONS:
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield rule, method


def _describe_custom_field(_converter: Any, field: Any, ret: Json) -> Json:
    """Add what the class of one of our own fields says of the text or the object that it reads."""
    described = dict(getattr(field, "json_schema", {}))
    if "type" in described and field.allow_none:
        described["type"] = [described["type"], "null"]
    if "pattern" in ret:
        described["pattern"] = ret["pattern"].replace(r"\Z", "$")  # JSON Schema has the expressions of ECMAScript
    return described


def _describe(rule: Rule, method: str, doc: str, example: Json) -> Json:
    operation = OPERATIONS[rule.endpoint]
    summary, _, description = doc.partition("\n\n")
    described: Json = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.rule.split("/")[1]],
        "summary": summary,
        "description": description,
        "x-who": operation.who,
        "parameters": [*_describe_path(rule), *_describe_query(operation)],
        **({"x-example-path": example["path"]} if "path" in example else {}),
        "security": _describe_security(operation.who, method),
        "responses": _describe_answers(operation, rule, example),
    }
    if operation.bodies:
        described["requestBody"] = _describe_bodies(operation, example)
    return described


def _describe_path(rule: Rule) -> list[Json]:
    return [
        {"name": match["name"], "in": "path", "required": True, "schema": _describe_converter(match)}
        for match in PLACEHOLDER.finditer(rule.rule)
    ]


def _describe_converter(match: re.Match[str]) -> Json:
    if match["converter"] == "int":
        return {"type": "integer", "minimum": 0, "maximum": LARGEST_BIGINT}
    if match["choices"]:
        return {"type": "string", "enum": [choice.strip() for choice in match["choices"].split(",")]}
    return {"type": "string", "minLength": 1}


def _describe_query(operation: Operation) -> list[Json]:
    return [{"in": "query", "schema": operation.query}] if operation.query else []


def _describe_security(who: Who, method: str) -> list[Json]:
    counts = method == "GET" or who is Who.VIEWERS  # a session, to read by
    schemes: list[Json] = [{name: []} for name in SECURITY_SCHEMES if name != "session" or counts]
    by_who = {Who.ANYBODY: [], Who.VIEWERS: [{}, *schemes]}
    return by_who.get(who, schemes)


def _describe_bodies(operation: Operation, example: Json) -> Json:
    content = {media_type: {"schema": _any_of(schemas)} for media_type, schemas in operation.bodies.items()}
    if "json" in example:
        content[JSON]["example"] = example["json"]
    return {"required": True, "content": content}


def _describe_answers(operation: Operation, rule: Rule, example: Json) -> dict[str, Json]:
    good = {"schema": _any_of(operation.answers)} if operation.answers else {}
    if "answer" in example:
        good["example"] = example["answer"]
    described = {_status(operation.status): {"content": {operation.media_type: good}}} | _describe_plain(operation)
    errors = operation.list_errors() | ({HTTPStatus.NOT_FOUND} if rule.arguments else set())
    errors |= {HTTPStatus.TOO_MANY_REQUESTS} if is_counted(rule.endpoint) else set()
    for status in sorted({*errors, HTTPStatus.SERVICE_UNAVAILABLE}):
        other = operation.other_errors.get(status)
        schemas = (ErrorSchema, other) if other else (ErrorSchema,)
        described[_status(status)] = {"content": {JSON: {"schema": _any_of(schemas)}}}
    return {status: {"description": HTTPStatus(int(status)).phrase} | answer for status, answer in described.items()}


def _describe_plain(operation: Operation) -> dict[str, Json]:
    """Describe the answers that have no body, or none of ours."""
    described: dict[str, Json] = {}
    if operation.conditional:
        described[_status(HTTPStatus.PARTIAL_CONTENT)] = {"content": {operation.media_type: {}}}
    if operation.conditional or operation.tagged:
        described |= {_status(status): {} for status in (HTTPStatus.NOT_MODIFIED, HTTPStatus.PRECONDITION_FAILED)}
    if operation.redirects:
        described[_status(HTTPStatus.FOUND)] = {"headers": {"Location": {"schema": {"type": "string"}}}}
    if operation.query:  # the web server says so, in words of its own
        described[_status(HTTPStatus.REQUEST_URI_TOO_LONG)] = {}
    return described


def _status(status: int) -> str:
    return str(int(status))


def _any_of(schemas: tuple[SchemaType, ...]) -> Any:
    chosen = copy.deepcopy(schemas)  # apispec writes into what it is given
    return chosen[0] if len(chosen) == 1 else {"anyOf": list(chosen)}
