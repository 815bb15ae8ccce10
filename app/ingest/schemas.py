"""What a control system sends and what an operator asks for."""

import json
from typing import Any

import marshmallow as ma

from app.fields import CONTROL_CHARACTERS, WholeNumber, Word
from app.ingest.models import JobState

LONGEST_PATH = 4096
LARGEST_BATCH = 1000
LONGEST_FILENAME = 255


class MetadataText(ma.fields.Dict):
    """Metadata as a JSON object, or, in a form, as the text of one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise ma.ValidationError("Must be a JSON object.") from None
        loaded: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]  # marshmallow left it so
        return loaded


def _check_path(path: str) -> None:
    if CONTROL_CHARACTERS.search(path):
        raise ma.ValidationError("Must not contain control characters.")
    if not path.startswith("/"):
        raise ma.ValidationError("Must be an absolute path.")


class JobByPathSchema(ma.Schema):
    """A file that the worker can reach."""

    filepath = ma.fields.String(required=True, validate=[ma.validate.Length(max=LONGEST_PATH), _check_path])
    file_metadata = MetadataText(load_default=dict)


class JobBatchSchema(ma.Schema):
    """Many files that the worker can reach; each is looked at on its own."""

    jobs = ma.fields.List(ma.fields.Raw(), required=True, validate=ma.validate.Length(1, LARGEST_BATCH))


class JobByUploadSchema(ma.Schema):
    """What goes along with a file that is sent."""

    file_metadata = MetadataText(load_default=dict)


class JobSearchSchema(ma.Schema):
    """Which jobs an operator wants to see."""

    state = ma.fields.Enum(JobState, by_value=True)
    error_class = Word()
    error_code = Word()
    filename = Word()
    frame_id = WholeNumber()
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, 1000))
    offset = WholeNumber(smallest=0)
    format = ma.fields.String()
