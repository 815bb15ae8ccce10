"""The one search schema. A parameter is said once, here: its name, type, label, unit, help and its line of SQL."""

import copy
import datetime as dt
import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from sqlalchemy import ColumnElement, Text, and_, cast, column, false, func, literal_column, not_, select, table, true
from sqlalchemy.orm import InstrumentedAttribute

from app.columns import contains
from app.extensions import db, get_config
from app.fields import LARGEST_INT, AnyOf, Night, UtcTime, WholeNumber, Word, to_ascii
from app.frame_columns.conditions import Condition as Among
from app.frame_columns.conditions import (
    has_in_basename,
    has_in_target,
    in_cone,
    in_groups,
    in_nights,
    is_exposed,
    is_released,
    is_target,
    meets_polygon,
    of_proposals,
)
from app.frame_columns.names import GROUPED
from app.frame_columns.times import to_day, to_microseconds
from app.frames import sky
from app.frames.fields import PointText, PolygonText, PositionText
from app.frames.models import Frame, Header
from app.paging import LARGEST_LIMIT

Condition = ColumnElement[bool]
#: SQLite's trigrams of the basenames. A migration makes them; SQLAlchemy has no words for such a table.
frame_basename = table("frame_basename", column("rowid"), column("basename", Text))
SHORTEST_TRIGRAM = 3  # characters
UNIT_NAMES = {"°": "degrees", "s": "seconds"}


@dataclass(frozen=True)
class SearchParameter:
    """One thing that a frame can be searched by.

    Attributes
    ----------
    where
        One line of SQL for a value; None where the parameter does not filter by itself.
    aliases
        Names under which older programs know it.
    among
        The same test on the columns in memory; None where those don't have what it asks for.
    widget
        How the form asks for it; empty: only programs do.
    """

    name: str
    field: ma.fields.Field[Any]
    label: str
    help: str
    where: Callable[[Any], Condition] | None = None
    aliases: tuple[str, ...] = ()
    unit: str = ""
    widget: str = ""
    among: Callable[[Any], Among] | None = None


def _science_types() -> tuple[str, ...]:
    return get_config().science_configuration_types


def _submitted_by(user_id: str) -> Condition:
    # The key is a literal, as in the index: a parameter would not be known to be the same.
    submitter = cast(Header.data.op("->>")(literal_column("'USERID'")), Text)
    return Frame.id.in_(select(Header.frame_id).where(submitter == user_id))


def _has_in_basename(text: str) -> Condition:
    condition = contains(Frame.basename, text)
    if db.engine.dialect.name == "postgresql" or len(text) < SHORTEST_TRIGRAM:
        return condition
    # FTS5 knows LIKE without an escape character only, by which it finds some too many.
    found = select(frame_basename.c.rowid).where(frame_basename.c.basename.like(f"%{text}%"))
    return and_(Frame.id.in_(found), condition)


def _exactly(name: str, label: str, help: str, alias: str) -> SearchParameter:
    """A parameter that a column of numbers must equal."""
    column: InstrumentedAttribute[Any] = getattr(Frame, name)
    return SearchParameter(name, WholeNumber(), label, help, lambda value: column == value, (alias,), widget="text")


def _any_of(name: str, label: str, help: str, alias: str, field: ma.fields.Field[Any] | None = None) -> SearchParameter:
    """A facet: a parameter of which a column must equal one value or another."""
    column: InstrumentedAttribute[Any] = getattr(Frame, name)
    return SearchParameter(
        name,
        AnyOf(field or Word()),
        label,
        f"{help} May be repeated: any of them.",
        column.in_,
        (alias,),
        widget="facet",
        among=of_proposals if name == "proposal_id" else lambda values: in_groups(name, values),
    )


def _available(to: str) -> Condition:
    is_public = and_(Frame.public_date.is_not(None), Frame.public_date <= dt.datetime.now(dt.UTC))
    return is_public if to == "public" else not_(is_public)


def _available_among(to: str) -> Among:
    return is_released(to_microseconds(dt.datetime.now(dt.UTC)), is_not=to != "public")


SEARCH_PARAMETERS: tuple[SearchParameter, ...] = (
    SearchParameter(
        "position",
        PositionText(),
        "Position",
        "Name, or RA Dec: 83.82 -5.39 or 5:35:17 -5:23:28.",
        widget="text",
    ),
    SearchParameter("ra", ma.fields.Float(), "RA", "Right ascension (ICRS) of a cone's centre.", unit="°"),
    SearchParameter(
        "dec",
        ma.fields.Float(validate=ma.validate.Range(-90, 90)),
        "Dec",
        "Declination (ICRS) of a cone's centre.",
        unit="°",
    ),
    SearchParameter(
        "radius",
        ma.fields.Float(validate=ma.validate.Range(0, 180)),
        "Radius",
        "Finds each frame whose footprint comes this near; 0 or none: covers the position.",
        unit="°",
        widget="number",
    ),
    SearchParameter(
        "covers",
        PointText(),
        "Covers",
        "POINT(ra dec), degrees, that the footprint covers.",
        sky.covers_point,
        among=in_cone,
    ),
    SearchParameter(
        "intersects",
        PolygonText(),
        "Area",
        "POLYGON((ra dec, …)) or BOX(ra dec, width height), degrees, that the footprint meets.",
        sky.meets_polygon,
        widget="text",
        among=meets_polygon,
    ),
    SearchParameter(
        "start",
        UtcTime(),
        "From",
        "Observed at or after this time (UTC), such as 2026-11-20 03:15.",
        lambda time: Frame.observation_date >= time,
        widget="text",
        among=lambda time: Among(first=to_microseconds(time)),
    ),
    SearchParameter(
        "end",
        UtcTime(),
        "Until",
        "Observed at or before this time (UTC); a day means its 00:00.",
        lambda time: Frame.observation_date <= time,
        widget="text",
        among=lambda time: Among(last=to_microseconds(time)),
    ),
    SearchParameter(
        "DATE_OBS",
        UtcTime(),
        "Observation date",
        "Observed at exactly this time (UTC).",
        lambda time: Frame.observation_date == time,
        among=lambda time: Among(first=to_microseconds(time), last=to_microseconds(time)),
    ),
    SearchParameter(
        "dayobs",
        AnyOf(Night()),
        "Night",
        "Observing night, such as 2026-11-20. May be repeated: any of them.",
        Frame.observation_day.in_,
        ("DAY_OBS",),
        widget="facet",
        among=lambda nights: in_nights([to_day(night) for night in nights]),
    ),
    SearchParameter(
        "target_name",
        Word(),
        "Target",
        "Part of the target's name, in any case; accents don't matter.",
        # A name of marks that have no ASCII, such as a lone accent, is part of no name.
        lambda name: contains(Frame.target_name_ascii, to_ascii(name)) if to_ascii(name) else false(),
        ("OBJECT",),
        widget="text",
        among=lambda name: has_in_target(to_ascii(name)),
    ),
    SearchParameter(
        "target_name_exact",
        Word(),
        "Target, exactly",
        "The target's whole name.",
        lambda name: Frame.target_name == name,
        among=lambda name: is_target(name),
    ),
    SearchParameter(
        "empty_target_name",
        ma.fields.Boolean(),
        "No target",
        "true: only frames without a target's name; false: only frames with one.",
        lambda empty: (Frame.target_name == "") if empty else (Frame.target_name != ""),
        among=lambda empty: is_target("", is_not=not empty),
    ),
    SearchParameter(
        "basename",
        Word(),
        "File name",
        "Part of the frame's basename, in any case.",
        _has_in_basename,
        widget="text",
        among=has_in_basename,
    ),
    SearchParameter(
        "basename_exact",
        Word(),
        "File name, exactly",
        "The frame's whole basename.",
        lambda name: Frame.basename == name,
    ),
    _any_of("site_id", "Site", "Site's code.", "SITEID"),
    _any_of("telescope_id", "Telescope", "Telescope's code.", "TELID"),
    _any_of("instrument_id", "Instrument", "Instrument's code.", "INSTRUME"),
    _any_of("primary_optical_element", "Filter", "Filter, or the grating of a spectrograph.", "FILTER"),
    _any_of("configuration_type", "Type", "Configuration type, such as EXPOSE or BIAS.", "OBSTYPE"),
    _any_of("proposal_id", "Proposal", "Proposal's id.", "PROPID"),
    _any_of(
        "reduction_level",
        "Level",
        "Reduction level: 0 is raw, 91 reduced.",
        "RLEVEL",
        WholeNumber(smallest=-LARGEST_INT, largest=LARGEST_INT),
    ),
    SearchParameter(
        "exposure_time",
        ma.fields.Float(),
        "Exposure at least",
        "Shortest exposure time.",
        lambda seconds: Frame.exposure_time >= seconds,
        ("EXPTIME",),
        unit="s",
        widget="number",
        among=is_exposed,
    ),
    _exactly("observation_id", "Observation", "Observation's number.", "BLKUID"),
    _exactly("request_id", "Request", "Request's number.", "REQNUM"),
    SearchParameter(
        "exclude_configuration_type",
        ma.fields.List(Word()),
        "Not of type",
        "Configuration types to leave out; may be repeated.",
        lambda types: Frame.configuration_type.not_in(types),
        ("exclude_OBSTYPE",),
        among=lambda types: in_groups("configuration_type", types, is_not=True),
    ),
    SearchParameter(
        "include_configuration_type",
        ma.fields.List(Word()),
        "Of types",
        "Configuration types to find; may be repeated.",
        lambda types: Frame.configuration_type.in_(types),
        among=lambda types: in_groups("configuration_type", types),
    ),
    SearchParameter(
        "exclude_calibrations",
        ma.fields.Boolean(),
        "Without calibrations",
        "true: only science frames.",
        lambda exclude: Frame.configuration_type.in_(_science_types()) if exclude else true(),
        widget="flag",
        among=lambda exclude: in_groups("configuration_type", _science_types()) if exclude else Among(),
    ),
    SearchParameter(
        "public",
        ma.fields.Boolean(),
        "Public",
        "false: only the frames of your own proposals; true: all that you may see.",
    ),
    SearchParameter(
        "availability",
        ma.fields.String(validate=ma.validate.OneOf(["public", "proprietary"])),
        "Availability",
        "public: what everybody may see by now; proprietary: what only some may.",
        _available,
        widget="facet",
        among=_available_among,
    ),
    SearchParameter("submitter", Word(), "Submitter", "User who submitted the observation.", _submitted_by),
)

#: What searches are narrowed by, one value after another; each counts its values.
FACETS = tuple(
    parameter
    for parameter in sorted(SEARCH_PARAMETERS, key=lambda parameter: parameter.name not in GROUPED)
    if parameter.widget == "facet"
)

#: What a list can be sorted by. Each order is made total by the frame's id.
ORDERINGS: Mapping[str, ColumnElement[Any]] = {
    "id": Frame.id.expression,
    "basename": Frame.basename.expression,
    "observation_date": Frame.observation_date.expression,
    "primary_optical_element": Frame.primary_optical_element.expression,
    "configuration_type": Frame.configuration_type.expression,
    "proposal_id": Frame.proposal_id.expression,
    "instrument_id": Frame.instrument_id.expression,
    "site_id": Frame.site_id.expression,
    "target_name": Frame.target_name.expression,
    "reduction_level": Frame.reduction_level.expression,
    # A frame without an exposure time sorts before the shortest, on both databases.
    "exposure_time": func.coalesce(Frame.exposure_time, -1.0),
}
DEFAULT_ORDERING = "-observation_date"

#: What is asked of footprints.
ON_SKY = ("position", "ra", "dec", "radius", "covers", "intersects")

FORMAT = SearchParameter("format", ma.fields.String(validate=ma.validate.OneOf(["json"])), "Format", "json, always.")
LIST_PARAMETERS: tuple[SearchParameter, ...] = (
    SearchParameter(
        "limit",
        ma.fields.Integer(validate=ma.validate.Range(min=1)),
        "Frames a page",
        f"Frames a page; {LARGEST_LIMIT} at most.",
    ),
    SearchParameter("offset", WholeNumber(smallest=0), "Offset", "Frames to pass over."),
    SearchParameter(
        "ordering",
        ma.fields.String(validate=ma.validate.OneOf([sign + name for name in ORDERINGS for sign in ("", "-")])),
        "Order",
        "Field to sort by; a minus sign reverses.",
    ),
    SearchParameter(
        "pagination_style",
        ma.fields.String(validate=ma.validate.OneOf(["offset", "cursor"])),
        "Paging",
        "cursor: pages that neither miss nor repeat a frame while others arrive, without a count.",
    ),
    SearchParameter("cursor", ma.fields.String(), "Cursor", "Where a page of cursor paging begins."),
    SearchParameter("force_count", ma.fields.Boolean(), "Count", "true: an exact count, however long it takes."),
    SearchParameter(
        "include_related_frames", ma.fields.Boolean(), "Related frames", "false: without the related frames' ids."
    ),
    SearchParameter("include_thumbnails", ma.fields.Boolean(), "Thumbnails", "true: with the thumbnails."),
    FORMAT,
)


class _SearchRules(ma.Schema):
    """What holds between parameters."""

    @ma.validates_schema
    def check_cone(self, search: dict[str, Any], **_kwargs: Any) -> None:
        if ("ra" in search) != ("dec" in search):
            missing = "dec" if "ra" in search else "ra"
            raise ma.ValidationError("A cone's centre needs both ra and dec.", missing)
        if "position" in search and "ra" in search:
            raise ma.ValidationError("Give either a position or ra and dec.", "position")
        if "radius" in search and not {"position", "ra"} & search.keys():
            raise ma.ValidationError("A radius needs a position, or ra and dec.", "radius")

    @ma.validates_schema
    def check_paging(self, search: dict[str, Any], **_kwargs: Any) -> None:
        if "cursor" in search and search.get("pagination_style") == "offset":
            raise ma.ValidationError("A cursor pages by cursor; leave pagination_style out.", "cursor")
        if "offset" in search and ("cursor" in search or search.get("pagination_style") == "cursor"):
            raise ma.ValidationError("Cursor paging has no offset.", "offset")


def build_schema(
    name: str, parameters: tuple[SearchParameter, ...], rules: type[ma.Schema] = _SearchRules
) -> type[ma.Schema]:
    """Return the schema of some parameters, and of the rules between them."""
    fields = {
        alias: _build_field(parameter, alias)
        for parameter in parameters
        for alias in (parameter.name, *parameter.aliases)
    }
    return rules.from_dict(fields, name=name)


def _build_field(parameter: SearchParameter, name: str) -> ma.fields.Field[Any]:
    """Return a copy of the parameter's field that carries its help, for the OpenAPI document."""
    field = copy.copy(parameter.field)
    is_old = name != parameter.name
    help = f"As {parameter.name}." if is_old else parameter.help
    unit = f" In {UNIT_NAMES[parameter.unit]}." if parameter.unit and not is_old else ""
    field.metadata = {"description": help + unit} | ({"deprecated": True} if is_old else {})
    return field


SearchSchema = build_schema("SearchSchema", SEARCH_PARAMETERS + LIST_PARAMETERS)
#: A search that has no pages.
AggregateSchema = build_schema("AggregateSchema", (*SEARCH_PARAMETERS, FORMAT))


def build_conditions(search: Mapping[str, Any]) -> list[Condition]:
    """Return the SQL conditions of a search that `SearchSchema` has loaded."""
    conditions = [
        parameter.where(search[name])
        for parameter in SEARCH_PARAMETERS
        if parameter.where
        for name in (parameter.name, *parameter.aliases)
        if name in search
    ]
    centre = find_cone_centre(search)
    if centre:
        conditions.append(sky.meets_cone(*centre, search.get("radius", 0.0)))
    return conditions


def split_search(search: Mapping[str, Any]) -> tuple[Among, dict[str, Any], dict[str, Any]]:
    """Split a search into what the columns in memory can tell.

    Returns
    -------
    tuple
        What they can tell; the part of the search of which they can tell it for most frames only: the sky; the rest,
        of which they know nothing.
    """
    told = {
        name: parameter.among(search[name])
        for parameter in SEARCH_PARAMETERS
        if parameter.among
        for name in (parameter.name, *parameter.aliases)
        if name in search
    }
    among = functools.reduce(operator.and_, told.values(), Among())
    if centre := find_cone_centre(search):
        among &= in_cone(centre, search.get("radius", 0.0))
    on_sky = {name: value for name, value in search.items() if name in ON_SKY}
    return among, on_sky, {name: search[name] for name in search.keys() - told.keys() - on_sky.keys()}


def find_cone_centre(search: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the (RA, Dec) in degrees around which a search looks, if it does."""
    if "position" in search:
        return search["position"].ra_deg, search["position"].dec_deg
    return (search["ra"], search["dec"]) if "ra" in search else None


class RecordSchema(ma.Schema):
    """What may be asked of one frame's record."""

    include_related_frames = ma.fields.Boolean(
        load_default=True, metadata={"description": "false: without the related frames' ids."}
    )
    include_thumbnails = ma.fields.Boolean(load_default=False, metadata={"description": "true: with the thumbnails."})
    format = ma.fields.String(validate=ma.validate.OneOf(["json"]), metadata={"description": "json, always."})
