"""The search form as an address fills it: what stands in its fields, what is wrong there, and what is searched by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from werkzeug.datastructures import MultiDict

from app.fields import CONTROL_CHARACTERS
from app.frames.search import SEARCH_PARAMETERS, SearchParameter

Texts = list[tuple[str, str]]

CONE = ("position", "ra", "dec", "radius")

_PARAMETERS = {parameter.name: parameter for parameter in SEARCH_PARAMETERS}
#: The fields of the form; facets are chosen beside it, one value after another.
_FIELDS_SHOWN = [parameter for parameter in SEARCH_PARAMETERS if parameter.widget not in {"", "facet"}]
_DRAWN = {parameter.name for parameter in _FIELDS_SHOWN} | {"public", "q"}
#: In which field a parameter stands that has none under its own name.
_FIELDS = {alias: parameter.name for parameter in SEARCH_PARAMETERS for alias in parameter.aliases}
_FIELDS |= {"ra": "position", "dec": "position"}
_KEPT = (_PARAMETERS.keys() | _FIELDS.keys() | {"limit", "ordering"}) - set(CONE)


@dataclass(frozen=True)
class ActiveCondition:
    """One thing that is searched by, in words, and the parameters of the address that say it."""

    text: str
    names: tuple[str, ...]
    changes: Mapping[str, Any]
    """What takes it away: the parameters' new values, None where nothing is left."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a parameter; `field` is the field where it stands, empty if the form has none."""

    name: str
    label: str
    field: str
    message: str


@dataclass(frozen=True)
class SearchForm:
    """The form, filled.

    Attributes
    ----------
    values
        What stands in each field, by its parameter's name.
    hidden
        What the address asks beyond the fields, and the next search shall keep.
    conditions
        What is searched by; nothing as long as something is wrong.
    """

    values: Mapping[str, str]
    hidden: Texts
    conditions: list[ActiveCondition]
    faults: list[Fault]
    more = _FIELDS_SHOWN

    @property
    def has_more(self) -> bool:
        """Whether a field that is folded away holds something."""
        return any(parameter.name in self.values for parameter in self.more)

    @property
    def is_own_only(self) -> bool:
        return self.values.get("public") in ma.fields.Boolean.falsy

    @property
    def errors(self) -> dict[str, list[str]]:
        """The messages by the field where they stand."""
        fields = {fault.field for fault in self.faults}
        return {field: [fault.message for fault in self.faults if fault.field == field] for field in fields}


def build_search_form(
    arguments: "MultiDict[str, str]", errors: Mapping[str, Any], read: "MultiDict[str, str]"
) -> SearchForm:
    """Return the form of an address.

    Parameters
    ----------
    arguments
        The parameters of the address, whether they can be searched by or not.
    errors
        The messages of the error that they led to, by parameter; empty if they led to none.
    read
        The same parameters, with what the box was read as in its place.
    """
    texts = _clean(arguments)
    return SearchForm(
        values=_fill_fields(dict(texts)),
        hidden=[(_FIELDS.get(name, name), text) for name, text in texts if _is_kept(name) and name not in errors],
        conditions=[] if errors else list(_list_conditions(_clean(read))),
        faults=[_build_fault(name, messages) for name, messages in errors.items()],
    )


def _clean(arguments: "MultiDict[str, str]") -> Texts:
    texts = [(name, CONTROL_CHARACTERS.sub(" ", text).strip()) for name, text in arguments.items(multi=True)]
    return [(name, text) for name, text in texts if text]


def _fill_fields(texts: Mapping[str, str]) -> dict[str, str]:
    values = {_FIELDS.get(name, name): text for name, text in texts.items() if name not in CONE}
    values |= {name: texts[name] for name in ("position", "radius") if name in texts}
    if {"ra", "dec"} <= texts.keys() and "position" not in texts:
        values["position"] = _describe_centre(texts)
    return values


def _is_kept(name: str) -> bool:
    return name in _KEPT and _FIELDS.get(name, name) not in _DRAWN


def _build_fault(name: str, messages: Any) -> Fault:
    field = _FIELDS.get(name, name)
    label = _PARAMETERS[field].label if field in _PARAMETERS else name
    return Fault(name, label, field if field in _DRAWN else "", " ".join(_flatten(messages)))


def _flatten(messages: Any) -> Iterator[str]:
    """Yield the messages of an error, which those of a repeated parameter nest."""
    if isinstance(messages, str):
        yield messages
    else:
        for part in messages.values() if isinstance(messages, Mapping) else messages:
            yield from _flatten(part)


def _list_conditions(texts: Texts) -> Iterator[ActiveCondition]:
    given = {name: ", ".join(text for other, text in texts if other == name) for name, _ in texts}
    if "position" in given or "ra" in given:
        yield ActiveCondition(_describe_cone(given), CONE, dict.fromkeys(CONE))
    for name, text in given.items():
        parameter = _PARAMETERS.get(_FIELDS.get(name, name))
        if parameter and parameter.widget == "facet":
            yield from _list_values(parameter, name, [text for other, text in texts if other == name])
        elif parameter and name not in CONE:
            yield ActiveCondition(_describe(parameter, text), (name,), {name: None})


def _list_values(parameter: SearchParameter, name: str, values: list[str]) -> Iterator[ActiveCondition]:
    """Yield one condition for each value of a facet, which can be taken away alone."""
    for value in values:
        others = [other for other in values if other != value]
        yield ActiveCondition(_describe(parameter, value), (name,), {name: others or None})


def _describe_cone(given: Mapping[str, str]) -> str:
    centre = given.get("position") or _describe_centre(given)
    return f"Within {given['radius']}° of {centre}" if "radius" in given else f"Covers {centre}"


def _describe_centre(given: Mapping[str, str]) -> str:
    """Write RA and Dec as one position; the sign parts them."""
    return f"{given['ra']} {given['dec'] if given['dec'][0] in '+-' else '+' + given['dec']}"


def _describe(parameter: SearchParameter, text: str) -> str:
    if parameter.name == "public" and text in ma.fields.Boolean.falsy:
        return "Only my proposals"
    if parameter.widget == "flag" and text in ma.fields.Boolean.truthy:
        return parameter.label
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"{parameter.label}: {text}{unit}"
