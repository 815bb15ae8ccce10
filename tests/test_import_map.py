"""The import map of docs/architecture.md is true: who may import whom, and who may touch the request."""

import ast
from pathlib import Path

import pytest

PROJECT_DIR = Path(__file__).parents[1]
PACKAGES = {
    "ocs_archive": {"ocs_archive"},
    "app": {"app", "ocs_archive"},
    "ingest_worker": {"ingest_worker", "app", "ocs_archive"},
}
#: Where the parts come together: these may import any room's modules.
ROOTS = {"app", "app.launcher", "app.preflight", "app.openapi.operations"}
#: What a room shows to other rooms and to the worker.
OPEN_MODULES = {"models", "queries", "actions", "records", "lists", "search", "viewer", "visibility", "bell"}
#: Inside a room: api, views and cli stand on schemas, queries and actions, and these on models.
HEIGHTS = {"models": 0, "schemas": 1, "queries": 1, "actions": 1, "api": 2, "views": 2, "cli": 2}
TOP = 2
TOUCH_THE_REQUEST = {
    "api",
    "views",
    "params",
    "errors",
    "viewer",
    "pages",
    "addresses",
    "cors",
    "rate_limits",
    "compression",
}
#: Rooms of which some others may use everything: what finds frames finds them in their columns.
INNER_ROOMS = {"app.frame_columns": {"app.frames", "app.targets", "app.calibrations"}}
#: Imports across rooms that the map does not foresee, each with its reason.
EXCEPTIONS = {
    ("app.openapi.answers", "app.monitoring.parts"): "/ready names each part",
    ("app.reference", "app.ingest.error_codes"): "the papers list each code with which an ingest can fail",
    ("app.thumbnails.schemas", "app.frames.schemas"): "a thumbnail comes with what is known of its frame",
    ("app.thumbnails.api", "app.frames.schemas"): "and is as large",
    ("app.database", "app.frames.sky"): "the spherical tests become functions of each SQLite connection",
    ("app.carts.views", "app.downloads.api"): "a zip of a cart is made as one of named frames",
    ("app.targets.lists", "app.frames.box"): "a line is read as the box reads its line",
    ("app.targets.lists", "app.frames.positions"): "and a position",
    ("app.targets.resolving", "app.frames.positions"): "as a name is",
    ("app.targets.schemas", "app.frames.positions"): "and what a program sends",
    ("app.targets.matching", "app.frames.cones"): "the exact test of many footprints",
    ("app.targets.matching", "app.frames.matching"): "frames that a search finds",
    ("app.targets.matching", "app.frames.sphere"): "a place as a unit vector",
    ("app.targets.queries", "app.frames.matching"): "frames of a name",
    ("app.targets.records", "app.exports.columns"): "an export by targets has the columns of any export",
    ("app.targets.records", "app.exports.formats"): "and is written as one",
    ("app.carts.views", "app.exports.schemas"): "all that a search finds is what an export has",
    ("app.exports.api", "app.downloads.api"): "a zip of a search is made as one of named frames",
    ("app.exports.script", "app.downloads.zip_stream"): "files have the names that they have in a zip",
    (
        "app.quick_looks.making",
        "app.downloads.stored_files",
    ): "a stored file becomes one of this machine",
    ("app.saved_searches.queries", "app.frames.search_form"): "a saved search is told in the form's words",
    (
        "app.saved_searches.leases",
        "app.events.exceptions",
    ): "what may come of a message is the same for pipelines and people",
    ("app.saved_searches.cli", "app.events.exceptions"): "as above",
    ("app.saved_searches.mail", "app.events.exceptions"): "as above",
    ("app.saved_searches.sending", "app.events.exceptions"): "as above",
    ("app.saved_searches.sending", "app.events.webhooks"): "a webhook is called, and its answers mean, the same",
    ("app.portal.views", "app.accounts.views"): "a log-in at the portal begins a session as one by password does",
    ("app.frame_columns.footprints", "app.frames.sphere"): "where a footprint is",
    ("app.frame_columns.conditions", "app.frames.sphere"): "and what it is asked for",
    ("app.ocs_import.schemas", "app.frames.schemas"): "a frame passes the same check however it arrives",
    ("ingest_worker.archiving", "app.frames.schemas"): "a frame passes the same check however it arrives",
}

Import = tuple[str, str]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT_DIR).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for package in PACKAGES for path in (PROJECT_DIR / package).rglob("*.py")}


def list_imports(module: str) -> list[str]:
    """List what a module imports, as `package.module` or `package.module.name`."""
    found = []
    for node in ast.walk(ast.parse(MODULES[module].read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


IMPORTS: set[Import] = {
    (module, name if name in MODULES else name.rpartition(".")[0])
    for module in MODULES
    for name in list_imports(module)
    if name.partition(".")[0] in PACKAGES
}


def room_of(module: str) -> str:
    """Return `app.<room>` for a module in a room, else its package: the ground that all rooms share."""
    parts = module.split(".")
    room = ".".join(parts[:2])
    return room if parts[0] == "app" and MODULES.get(room, Path()).name == "__init__.py" else parts[0]


def find_fault(importer: str, imported: str) -> str | None:
    """Return the rule of the map that an import breaks."""
    layer, imported_layer = importer.rpartition(".")[2], imported.rpartition(".")[2]
    if imported.partition(".")[0] not in PACKAGES[importer.partition(".")[0]]:
        return f"{importer.partition('.')[0]} knows nothing of {imported.partition('.')[0]}"
    if importer in ROOTS or room_of(imported) in {"app", "ocs_archive", "ingest_worker"}:
        return None
    if room_of(importer) == room_of(imported):
        is_above = HEIGHTS.get(imported_layer, 0) > HEIGHTS.get(layer, TOP)
        return f"{imported_layer} stands above {layer}" if is_above else None
    if room_of(importer) in INNER_ROOMS.get(room_of(imported), ()):
        return None
    if imported_layer not in OPEN_MODULES and (importer, imported) not in EXCEPTIONS:
        return f"other rooms may use only {', '.join(sorted(OPEN_MODULES))} of {room_of(imported)}"
    return None


def test_imports_follow_the_map():
    faults = [f"{a} imports {b}: {fault}" for a, b in sorted(IMPORTS) if (fault := find_fault(a, b))]
    assert not faults, "\n".join(faults)


def test_exceptions_are_still_needed():
    assert set(EXCEPTIONS) <= IMPORTS


def test_only_the_edge_touches_the_request():
    touching = {module for module in MODULES if "flask.request" in list_imports(module)}
    assert {module for module in touching if module.rpartition(".")[2] not in TOUCH_THE_REQUEST} == set()


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("ocs_archive.settings", "app.config"),
        ("app.ingest.actions", "ingest_worker.jobs"),
        ("app.frames.models", "app.frames.queries"),
        ("app.ingest.views", "app.frames.views"),
        ("ingest_worker.jobs", "app.ingest.api"),
        ("app.params", "app.frames.api"),
    ],
)
def test_the_map_refuses(importer, imported):
    assert find_fault(importer, imported)
