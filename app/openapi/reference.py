"""What the page of the API shows of the OpenAPI document: its operations by tag, and types in a few words."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.openapi.operations import JSON

Json = dict[str, Any]
COMPONENT = "#/components/schemas/"


@dataclass(frozen=True)
class Type:
    """A type in words; `component` names the schema that it is made of, if there is one."""

    words: str
    component: str = ""


@dataclass(frozen=True)
class Section:
    """One operation."""

    path: str
    method: str
    operation: Json
    curl: str

    @property
    def bodies(self) -> Iterator[tuple[str, Json]]:
        """Media types and schemas of what may be sent."""
        for media_type, content in self.operation.get("requestBody", {}).get("content", {}).items():
            yield from ((media_type, schema) for schema in list_choices(content["schema"]))

    @property
    def answers(self) -> Iterator[tuple[str, str, Json]]:
        """Statuses, media types and schemas of its answers; an empty schema where it is no JSON."""
        for status, response in self.operation["responses"].items():
            for media_type, content in response.get("content", {"": {}}).items():
                yield from ((status, media_type, schema) for schema in list_choices(content.get("schema", {})))

    @property
    def example(self) -> str:
        """The answer to the example's request, as JSON; empty if there is none."""
        for response in self.operation["responses"].values():
            found = response.get("content", {}).get(JSON, {})
            if "example" in found:
                return json.dumps(found["example"], indent=2, ensure_ascii=False)
        return ""


def build_sections(document: Json) -> dict[str, list[Section]]:
    """Return the operations of a document by their tags."""
    sections: dict[str, list[Section]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            curl = build_curl(document["servers"][0]["url"], method.upper(), operation)
            section = Section(path, method.upper(), operation, curl)
            sections.setdefault(operation["tags"][0], []).append(section)
    return sections


def build_curl(server_url: str, method: str, operation: Json) -> str:
    """Return the example's request as a command for the shell; empty if there is none."""
    path = operation.get("x-example-path")
    if path is None:
        return ""
    parts = ["curl"]
    if operation["security"]:
        parts.append('-H "Authorization: Token $TOKEN"')
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")
    if body is not None:
        parts += [f"-H 'Content-Type: {JSON}'", f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
    elif method != "GET":
        parts.append(f"-X {method}")
    return " ".join([*parts, shlex.quote(server_url + path)])


def list_choices(schema: Json) -> list[Json]:
    """Return the schemas of which one will do."""
    choices: list[Json] = schema.get("anyOf", [schema])
    return choices


def list_fields(schema: Json) -> list[tuple[str, Json, bool]]:
    """Return the name and schema of each field of an object, and whether it is always there."""
    required = schema.get("required", ())
    return [(name, field, name in required) for name, field in schema.get("properties", {}).items()]


def name_type(schema: Json) -> Type:
    """Put a schema's type into words."""
    if "$ref" in schema:
        return Type("", schema["$ref"].removeprefix(COMPONENT))
    for key in ("allOf", "anyOf"):
        if key in schema:
            named = [name_type(choice) for choice in schema[key]]
            return Type(" or ".join(filter(None, [kind.words for kind in named])), named[0].component)
    if schema.get("type") == "array":
        items = name_type(schema.get("items", {}))
        return Type(f"list of {items.words}".strip(), items.component)
    return Type(_name_plain(schema))


def _name_plain(schema: Json) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) or "“”" for choice in schema["enum"] if choice is not None)
    types = schema.get("type", "anything")
    return " or ".join([types] if isinstance(types, str) else types)
