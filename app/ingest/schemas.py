"""What a control system sends and what an operator asks for."""

import json
import math
import re
from typing import Any

import marshmallow as ma

from app.fields import CONTROL_CHARACTERS, WholeNumber, Word
from app.ingest.models import JobState, PreviewState

LONGEST_PATH = 4096
LARGEST_BATCH = 1000
LONGEST_FILENAME = 255
DEEPEST_METADATA = 20
ABOUT_METADATA = {"description": "Values by header keywords: they count more than the file's own."}
UNSTORABLE_TEXT = re.compile(r"[\x00\ud800-\udfff]")


class MetadataText(ma.fields.Dict):
    """Metadata as a JSON object, or, in a form, as the text of one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise ma.ValidationError("Must be a JSON object.") from None
        loaded: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]  # marshmallow left it so
        _check_storable(loaded)
        return loaded


def _check_storable(value: Any, depth: int = 0) -> None:
    """Refuse what Python reads as JSON and a database does not take."""
    if depth > DEEPEST_METADATA:
        raise ma.ValidationError(f"Must not be nested more than {DEEPEST_METADATA} deep.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ma.ValidationError("Must not contain NaN or infinite numbers.")
    if isinstance(value, str) and UNSTORABLE_TEXT.search(value):
        raise ma.ValidationError("Must not contain NUL characters or lone surrogates.")
    if isinstance(value, dict):
        _check_storable(list(value), depth)
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        _check_storable(part, depth + 1)


def _check_path(path: str) -> None:
    if CONTROL_CHARACTERS.search(path):
        raise ma.ValidationError("Must not contain control characters.")
    if not path.startswith("/"):
        raise ma.ValidationError("Must be an absolute path.")


class JobByPathSchema(ma.Schema):
    """A file that the worker can reach."""

    filepath = ma.fields.String(
        required=True,
        validate=[ma.validate.Length(max=LONGEST_PATH), _check_path],
        metadata={"description": "Where the file lies: an absolute path below INGEST_ROOTS."},
    )
    file_metadata = MetadataText(load_default=dict, metadata=ABOUT_METADATA)


class JobBatchSchema(ma.Schema):
    """Many files that the worker can reach; each is looked at on its own."""

    jobs = ma.fields.List(
        ma.fields.Raw(),
        required=True,
        validate=ma.validate.Length(1, LARGEST_BATCH),
        metadata={"description": "The jobs, each as it would be posted alone."},
    )


class JobByUploadSchema(ma.Schema):
    """What goes along with a file that is sent."""

    file_metadata = MetadataText(load_default=dict, metadata=ABOUT_METADATA)


class RetrySchema(ma.Schema):
    """Which jobs an operator wants to be tried again, as the form of a page says it."""

    error_code = Word(required=True)
    csrf_token = ma.fields.String()  # looked at before


class JobSearchSchema(ma.Schema):
    """Which jobs an operator wants to see."""

    state = ma.fields.Enum(JobState, by_value=True, metadata={"description": "Where they stand."})
    preview_state = ma.fields.Enum(
        PreviewState, by_value=True, metadata={"description": "Where their frames' pictures stand."}
    )
    error_class = Word(metadata={"description": "Name of the last error's class."})
    error_code = Word(metadata={"description": "Code of the last error."})
    filename = Word(metadata={"description": "Part of the file's name."})
    frame_id = WholeNumber(metadata={"description": "The frame that they became."})
    limit = ma.fields.Integer(
        load_default=50, validate=ma.validate.Range(1, 1000), metadata={"description": "How many a page."}
    )
    offset = WholeNumber(smallest=0, metadata={"description": "How many to pass over."})
    format = ma.fields.String(validate=ma.validate.OneOf(["json"]), metadata={"description": "json, always."})
