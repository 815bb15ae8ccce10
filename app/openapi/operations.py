"""What each address takes and gives, by endpoint: the one table that the document is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from prometheus_client import CONTENT_TYPE_LATEST

from app.accounts.api import CredentialsSchema
from app.downloads.schemas import ZipSchema
from app.exports.schemas import ExportSchema, LinksSchema
from app.frames.schemas import PostedFrameSchema
from app.frames.search import AggregateSchema, RecordSchema, SearchSchema
from app.ingest.schemas import JobBatchSchema, JobByPathSchema, JobByUploadSchema, JobSearchSchema
from app.openapi import answers
from app.targets.schemas import TargetsFormSchema, TargetsSchema, TargetsUploadSchema
from app.thumbnails.schemas import PostedThumbnailSchema, ThumbnailSearchSchema
from app.versions.schemas import VersionSearchSchema

#: A marshmallow schema, or a JSON schema in whose places marshmallow schemas may stand.
SchemaType = type[ma.Schema] | dict[str, Any]
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class Who(StrEnum):
    """Whom an address answers."""

    ANYBODY = "anybody"  # it does not ask who it is
    VIEWERS = "anybody, about what they may see"
    HOLDERS = "whoever has a token"
    INGESTERS = "operators, and tokens of scope ingest"
    OPERATORS = "operators"


#: The errors that come of asking who it is.
REFUSALS: Mapping[Who, tuple[int, ...]] = {
    Who.ANYBODY: (),
    Who.VIEWERS: (HTTPStatus.UNAUTHORIZED,),
    Who.HOLDERS: (HTTPStatus.UNAUTHORIZED,),
    Who.INGESTERS: (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
    Who.OPERATORS: (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
}


class UploadSchema(JobByUploadSchema):
    """A file that is sent, and what goes along with it."""

    file = ma.fields.Raw(required=True, metadata={"type": "string", "format": "binary", "description": "The file."})


#: What became of each file of a batch: a receipt, or why there is none.
BATCH: SchemaType = {
    "type": "object",
    "required": ["results"],
    "additionalProperties": False,
    "properties": {"results": {"type": "array", "items": {"anyOf": [answers.ReceiptSchema, answers.RefusalSchema]}}},
}


@dataclass(frozen=True)
class Operation:
    """What one address takes and gives.

    Attributes
    ----------
    answers
        The schemas of a good answer: several where it depends on the request; none where it is no JSON.
    media_type
        Of a good answer.
    bodies
        What may be sent, by its media type; several schemas where either will do.
    errors
        Statuses of errors that do not follow from the rest; see `list_errors`.
    other_errors
        Schemas of answers with the status of an error that may be something else.
    redirects
        Whether it may send on to where the file lies.
    conditional
        Whether it spares a client that has the file, or a part of it, already (RFC 9110).
    tagged
        Whether it has an ETag, and spares a client that has the same answer already.
    """

    who: Who
    answers: tuple[SchemaType, ...] = ()
    status: int = HTTPStatus.OK
    media_type: str = JSON
    query: SchemaType | None = None
    bodies: Mapping[str, tuple[SchemaType, ...]] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    other_errors: Mapping[int, SchemaType] = field(default_factory=dict)
    redirects: bool = False
    conditional: bool = False
    tagged: bool = False

    def list_errors(self) -> set[int]:
        """Return the statuses of its errors; one of an address with a number that nothing has is not among them."""
        statuses = {*self.errors, *REFUSALS[self.who], *self.other_errors}
        statuses |= {HTTPStatus.BAD_REQUEST} if self.query or self.bodies else set()
        statuses |= {HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE} if self.conditional else set()
        return statuses | ({HTTPStatus.REQUEST_ENTITY_TOO_LARGE} if self.bodies else set())


def _read(
    answer: SchemaType, query: SchemaType | None = None, who: Who = Who.VIEWERS, *, tagged: bool = False
) -> Operation:
    return Operation(who, (answer,), query=query, tagged=tagged)


def _file(media_type: str, who: Who = Who.VIEWERS, **options: Any) -> Operation:
    return Operation(who, media_type=media_type, **options)


def _post(answer: SchemaType, body: SchemaType) -> Operation:
    return Operation(Who.INGESTERS, (answer,), HTTPStatus.CREATED, bodies={JSON: (body,)})


#: By the name of the endpoint, as `flask routes` shows it.
OPERATIONS: Mapping[str, Operation] = {
    "frames_api.list_frames": _read(answers.FramePageSchema, SearchSchema),
    "frames_api.post_frame": _post(answers.FrameSchema, PostedFrameSchema),
    "frames_views.show_frame": _read(answers.FrameSchema, RecordSchema, tagged=True),
    "calibrations_views.show_calibrations": _read(answers.CalibrationsSchema),
    "frames_api.show_headers": _read(answers.HeadersSchema, tagged=True),
    "frames_api.list_related": _read({"type": "array", "items": answers.FrameSchema}),
    "frames_api.show_aggregate": _read(answers.AggregateAnswerSchema, AggregateSchema),
    "targets.list_targets": Operation(
        Who.VIEWERS,
        (answers.TargetsAnswerSchema,),
        bodies={JSON: (TargetsSchema,), FORM: (TargetsFormSchema,), MULTIPART: (TargetsUploadSchema,)},
    ),
    "targets.export_targets": Operation(
        Who.VIEWERS,
        media_type="text/csv",
        bodies={FORM: (TargetsFormSchema,), MULTIPART: (TargetsUploadSchema,)},
    ),
    "targets.export_frames": Operation(
        Who.VIEWERS,
        media_type="text/csv",
        bodies={FORM: (TargetsFormSchema,), MULTIPART: (TargetsUploadSchema,)},
    ),
    "bundles.download_zip": Operation(
        Who.VIEWERS,
        media_type="application/zip",
        bodies={JSON: (ZipSchema,), FORM: (ZipSchema,)},
        errors=(HTTPStatus.NOT_FOUND,),
    ),
    "bundles.download_unpacked": _file("application/fits"),
    "bundles.download_catalog": _file("application/fits"),
    "exports.export_csv": _file("text/csv", query=ExportSchema),
    "exports.export_votable": _file("application/x-votable+xml", query=ExportSchema),
    "exports.export_json_lines": _file("application/x-ndjson", query=ExportSchema),
    "exports.export_regions": _file("text/x-ds9-regions", query=ExportSchema),
    "exports.export_urls": _file("text/plain", query=ExportSchema),
    "exports.export_script": _file("application/x-sh", query=ExportSchema),
    "exports.export_zip": _file("application/zip", query=ExportSchema, errors=(HTTPStatus.NOT_FOUND,)),
    "exports.list_links": _file("text/plain", bodies={FORM: (LinksSchema,)}),
    "frames_views.show_preview": _file("image/jpeg", conditional=True),
    "downloads.download": _file("application/octet-stream", Who.ANYBODY, redirects=True, conditional=True),
    "downloads.show_thumbnail": _file("image/jpeg", Who.ANYBODY, conditional=True),
    "versions_api.list_versions": _read(answers.VersionPageSchema, VersionSearchSchema, Who.INGESTERS),
    "versions_api.show_version": _read(answers.ListedVersionSchema, who=Who.INGESTERS),
    "thumbnails_api.list_thumbnails": _read(answers.ThumbnailPageSchema, ThumbnailSearchSchema),
    "thumbnails_api.show_thumbnail": _read(answers.ThumbnailSchema),
    "thumbnails_api.post_thumbnail": _post(answers.ThumbnailSchema, PostedThumbnailSchema),
    "accounts_api.show_profile": _read(answers.ProfileSchema),
    "accounts_api.show_token": Operation(
        Who.ANYBODY,
        (answers.TokenSchema,),
        bodies={JSON: (CredentialsSchema,), FORM: (CredentialsSchema,)},
        errors=(HTTPStatus.TOO_MANY_REQUESTS,),
    ),
    "accounts_api.replace_token": Operation(Who.HOLDERS, (answers.NewTokenSchema,)),
    "ingest_api.create_job": Operation(
        Who.INGESTERS,
        (answers.ReceiptSchema, BATCH),
        HTTPStatus.ACCEPTED,
        bodies={JSON: (JobByPathSchema, JobBatchSchema), MULTIPART: (UploadSchema,)},
        other_errors={HTTPStatus.BAD_REQUEST: BATCH},
    ),
    "ingest_views.list_jobs": _read(answers.JobPageSchema, JobSearchSchema, Who.INGESTERS),
    "ingest_views.show_job": _read(answers.JobSchema, who=Who.INGESTERS),
    "ingest_api.retry_job": Operation(
        Who.INGESTERS, (answers.ReceiptSchema,), HTTPStatus.ACCEPTED, errors=(HTTPStatus.BAD_REQUEST,)
    ),
    "monitoring.show_health": Operation(Who.ANYBODY, ({"const": "ok"},)),
    "monitoring.show_readiness": Operation(
        Who.ANYBODY,
        (answers.ReadinessSchema,),
        other_errors={HTTPStatus.SERVICE_UNAVAILABLE: answers.ReadinessSchema},
    ),
    "monitoring.show_metrics": Operation(Who.OPERATORS, media_type=CONTENT_TYPE_LATEST),
    "openapi_api.show_document": Operation(Who.ANYBODY, ({"type": "object"},)),
}

#: What is for people and browsers only: pages, and the forms on them.
PAGES = frozenset(
    {
        "static",
        "accounts.change_password",
        "accounts.create_token",
        "accounts.log_in",
        "accounts.log_out_everywhere",
        "accounts.login",
        "accounts.logout",
        "accounts.revoke_token",
        "accounts.show_account",
        "carts.add",
        "carts.add_calibrations",
        "carts.add_all",
        "carts.empty",
        "carts.export_cart",
        "carts.remove",
        "carts.show_cart",
        "carts.zip_cart",
        "embargoes_views.rule",
        "frames_views.search",
        "frames_views.set_preferences",
        "frames_views.show_help",
        "ingest_views.retry_all",
        "ingest_views.retry_job",
        "ingest_views.show_overview",
        "nights_views.show_last",
        "nights_views.show_night",
        "nights_views.stream_changes",
        "openapi_views.show_reference",
        "portal.begin",
        "portal.finish",
        "proposals_views.add_member",
        "proposals_views.remove_member",
        "proposals_views.show_proposals",
        "quick_looks_views.show_quick_look",
        "targets.show_targets",
        "saved_searches.ask_again",
        "saved_searches.confirm",
        "saved_searches.delete",
        "saved_searches.list_searches",
        "saved_searches.pause",
        "saved_searches.rename",
        "saved_searches.resume",
        "saved_searches.save",
        "saved_searches.set_alert",
        "saved_searches.show_confirmation",
        "saved_searches.show_search",
        "saved_searches.show_unsubscribe",
        "saved_searches.unsubscribe",
    }
)
