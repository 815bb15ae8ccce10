"""The best SQL that we know by hand for each question of the bench of searches, one statement for each kind of viewer.

A question is plain data: its kind, what it asks for, and who asks. `viewer` is None for an operator, else the list of
their proposals.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Question = Mapping[str, Any]
Statement = tuple[str, dict[str, Any]]

FRAME_FIELDS = (
    "id",
    "basename",
    "observation_date",
    "observation_day",
    "proposal_id",
    "instrument_id",
    "target_name",
    "reduction_level",
    "site_id",
    "telescope_id",
    "exposure_time",
    "primary_optical_element",
    "public_date",
    "configuration_type",
    "observation_id",
    "request_id",
    "area",
    "created",
    "modified",
)
VERSION_FIELDS = ("id", "created", "key", "md5", "size", "extension")
#: What of a question must hold for a frame, by the names in it.
CONDITIONS = {
    "site": "site_id = %(site)s",
    "instrument": "instrument_id = %(instrument)s",
    "element": "primary_optical_element = %(element)s",
    "proposal": "proposal_id = %(proposal)s",
    "start": "observation_date >= %(start)s::timestamptz",
    "end": "observation_date <= %(end)s::timestamptz",
    "after": "(observation_date, id) < (%(after_time)s::timestamptz, %(after_id)s)",
    "target": "target_name = %(target)s",
    "part": "target_name_ascii LIKE %(part)s",
    "basename": "basename ILIKE %(basename)s",
    "point": "ST_DWithin(area, ST_GeogFromText(%(point)s), 0, false)",
    "polygon": "ST_DWithin(area, ST_GeogFromText(%(polygon)s), 0, false)",
}
#: Of these an index finds the frames, in no order; what the index alone can tell, and the same hidden from the planner.
UNORDERED = {
    "target": ("target_name = %(target)s", "target_name || '' = %(target)s"),
    "point": ("area && ST_GeogFromText(%(point)s)", "_ST_DWithin(area, ST_GeogFromText(%(point)s), 0, false)"),
    "polygon": ("area && ST_GeogFromText(%(polygon)s)", "_ST_DWithin(area, ST_GeogFromText(%(polygon)s), 0, false)"),
    "part": ("target_name_ascii LIKE %(part)s", "target_name_ascii || '' LIKE %(part)s"),
    "basename": ("basename ILIKE %(basename)s", ""),
}
#: Of these an index gives the first thousands at once, so that they can be counted; of the others it collects all.
COUNTED = ("target", "point", "polygon")
PLENTY = 5000  # so many frames of an unordered index, and the newest hundred are found sooner by their dates
FAR = 10_000  # an offset beyond which one walk that looks at each frame is cheaper than several
NEWEST = "ORDER BY observation_date DESC, id DESC"
FACETS = {
    "sites": "site_id",
    "telescopes": "telescope_id",
    "filters": "primary_optical_element",
    "instruments": "instrument_id",
    "obstypes": "configuration_type",
    "proposals": "proposal_id",
}
SHORT_DAYS = 20  # a window that is read as a whole more quickly than its values are looked up one by one


def may_see(viewer: Sequence[str] | None, frame: str = "frame") -> str:
    """Return the condition that a viewer may see a frame."""
    if viewer is None:
        return "true"
    own = f" OR {frame}.proposal_id = ANY(%(own)s)" if viewer else ""
    return f"({frame}.public_date <= now(){own})"


def select_one(viewer: Sequence[str] | None) -> str:
    """Return the statement for one frame with all that hangs on it."""
    versions = ", ".join(f"array_agg({name} ORDER BY id DESC) AS {name}s" for name in VERSION_FIELDS)
    return f"""
        SELECT {_columns()}, v.*, r.* FROM frame,
        LATERAL (SELECT {versions} FROM version WHERE frame_id = frame.id) v,
        LATERAL (SELECT array_agg(other.id ORDER BY other.id) FROM (
            SELECT related_id AS id FROM related_frame WHERE frame_id = frame.id
            UNION SELECT frame_id FROM related_frame WHERE related_id = frame.id
        ) p JOIN frame other USING (id) WHERE {may_see(viewer, "other")}) r
        WHERE frame.id = %(id)s AND {may_see(viewer)}
    """


def select_header(viewer: Sequence[str] | None) -> str:
    return f"""
        SELECT data::text FROM frame JOIN header ON frame_id = id WHERE id = %(id)s AND {may_see(viewer)}
    """


def select_rows(viewer: Sequence[str] | None) -> str:
    return f"SELECT {_columns()} FROM frame WHERE id = ANY(%(ids)s) AND {may_see(viewer)}"


def select_versions() -> str:
    return f"SELECT frame_id, {', '.join(VERSION_FIELDS)} FROM version WHERE frame_id = ANY(%(ids)s) ORDER BY id DESC"


def select_related(viewer: Sequence[str] | None) -> str:
    return f"""
        SELECT p.frame_id, p.id FROM (
            SELECT frame_id, related_id AS id FROM related_frame WHERE frame_id = ANY(%(ids)s)
            UNION SELECT related_id, frame_id FROM related_frame WHERE related_id = ANY(%(ids)s)
        ) p JOIN frame ON frame.id = p.id WHERE {may_see(viewer)} ORDER BY 1, 2
    """


def probe(question: Question) -> str | None:
    """Return the statement that says how much an unordered index finds, up to `PLENTY`; None if it must be used.

    Where an index can't begin with a few, the planner's estimate must do.
    """
    if counted := next((name for name in COUNTED if name in question), None):
        return f"SELECT count(*) FROM (SELECT FROM frame WHERE {UNORDERED[counted][0]} LIMIT {PLENTY}) f"
    if "part" in question:
        return f"EXPLAIN (FORMAT JSON) SELECT FROM frame WHERE {CONDITIONS['part']}"
    return None


def select_page(question: Question, *, is_plentiful: bool) -> str:
    """Return the statement for the ids of a page: what is public, and what is the viewer's own, are walked apart.

    Parameters
    ----------
    is_plentiful
        Whether what an unordered index would find is so much that the dates' index is walked instead.
    """
    conditions = [condition for name, condition in CONDITIONS.items() if name in question]
    viewer, page = question["viewer"], "LIMIT %(limit)s OFFSET %(offset)s"
    if any(name in question for name in UNORDERED):
        return _select_unordered(question, is_plentiful=is_plentiful)
    listed = " AND ".join(["observation_date IS NOT NULL", *conditions])
    everybody = f"SELECT id, observation_date FROM frame WHERE {listed}"
    is_own = viewer is None or question.get("proposal") in viewer
    if is_own or (viewer and question["offset"] > FAR):
        return f"{everybody} AND {may_see(viewer)} {NEWEST} {page}"
    public = f"{everybody} AND public_date <= now()"
    if not viewer or "proposal" in question:
        return f"{public} {NEWEST} {page}"
    longest = f"{NEWEST} LIMIT %(limit)s + %(offset)s"
    return f"""
        SELECT * FROM (
            (SELECT * FROM ({public} AND proposal_id <> ALL(%(own)s) {longest}) p)
            UNION ALL
            SELECT o.* FROM unnest(%(own)s::text[]) AS mine(mine),
                LATERAL ({everybody} AND proposal_id = mine {longest}) o
        ) both_walks {NEWEST} {page}
    """


def select_count(viewer: Sequence[str] | None) -> str:
    return f"SELECT count(*) FROM frame WHERE observation_date IS NOT NULL AND {may_see(viewer)}"


def select_facets(question: Question, days: float) -> str:
    """Return the statement for the distinct values: of a short window by reading it, else by looking for each value."""
    window = " AND ".join(CONDITIONS[name] for name in ("start", "end") if name in question) or "true"
    seen = f"observation_date IS NOT NULL AND {window} AND {may_see(question['viewer'])}"
    if days <= SHORT_DAYS:
        values = ", ".join(f"array_agg(DISTINCT {column})" for column in FACETS.values())
        grouped = f"SELECT DISTINCT {', '.join(FACETS.values())} FROM frame WHERE {seen}"
        return f"SELECT {values} FROM ({grouped}) f"
    return f"SELECT {', '.join(_look_for_each(column, seen) for column in FACETS.values())}"


def _select_unordered(question: Question, *, is_plentiful: bool) -> str:
    """Walk the dates, or collect what the index finds: where to stop is not left to the planner's estimate."""
    asked = [name for name in CONDITIONS if name in question]
    conditions = [UNORDERED[name][1] if is_plentiful and name in UNORDERED else CONDITIONS[name] for name in asked]
    listed = " AND ".join([may_see(question["viewer"]), "observation_date IS NOT NULL", *conditions])
    found, page = f"SELECT id, observation_date FROM frame WHERE {listed}", "LIMIT %(limit)s OFFSET %(offset)s"
    if is_plentiful:
        return f"{found} {NEWEST} {page}"
    return f"WITH found AS MATERIALIZED ({found}) SELECT * FROM found {NEWEST} {page}"


def _look_for_each(column: str, seen: str) -> str:
    """Return an array of the values of a column that frames which a viewer may see have: by jumping along an index."""
    if column == "configuration_type":  # no index begins with it; the planner's statistics name them, they are so few
        names = """
            SELECT unnest(most_common_vals::text::text[]) AS value FROM pg_stats
            WHERE tablename = 'frame' AND attname = 'configuration_type'
        """
        return _keep_seen(names, "configuration_type = value", seen)
    if column == "telescope_id":  # the index begins with the site
        names = _jump("site_id, telescope_id", "site, value")
        return _keep_seen(names, "site_id = site AND telescope_id = value", seen)
    return _keep_seen(_jump(column, "value"), f"{column} = value", seen)


def _keep_seen(names: str, is_value: str, seen: str) -> str:
    return f"""
        ARRAY(SELECT DISTINCT value FROM ({names}) names
              WHERE EXISTS (SELECT FROM frame WHERE {is_value} AND {seen}) ORDER BY 1)
    """


def _jump(columns: str, names: str) -> str:
    """Return the statement for the distinct values of an index's first columns, one probe for each."""
    order = f"ORDER BY {columns} LIMIT 1"
    return f"""
        WITH RECURSIVE jump({names}) AS (
            (SELECT {columns} FROM frame {order})
            UNION ALL
            SELECT next.* FROM jump, LATERAL (SELECT {columns} FROM frame WHERE ({columns}) > ({names}) {order}) next
        ) SELECT * FROM jump
    """


def _columns() -> str:
    return ", ".join(f"ST_AsBinary(frame.{name})" if name == "area" else f"frame.{name}" for name in FRAME_FIELDS)
