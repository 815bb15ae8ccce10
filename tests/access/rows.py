"""Who gets what at each address of the archive: the one table that the permission matrix is made from."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tests.access.stock import KINDS, MINE, OTHERS, PASSWORD, PUBLIC, REWRITTEN, STUB, WITHOUT_VERSION, Viewer
from tests.frames_factory import A_FRAME

ALL_SKY = "0%20%2B0"  # a position; a radius of half a turn has all of the sky
NO_JOB = 4711  # a number that none has
HTML = {"Accept": "text/html"}
WRITTEN = {**A_FRAME, "public_date": "2999-01-01T00:00:00", "proposal_id": "written"}


class Who(Enum):
    """Whom an address answers. Whoever it does not know gets a 401, but for ANYBODY."""

    ANYBODY = auto()  # it does not ask who it is
    VIEWERS = auto()
    HOLDERS = auto()  # of a token that this archive gave
    SESSIONS = auto()  # whoever is logged in
    INGESTERS = auto()
    JOB_READERS = auto()
    OPERATORS = auto()
    ADMINS = auto()


@dataclass(frozen=True)
class Row:
    """One request to an address, and who gets what.

    Attributes
    ----------
    path
        If a name of a frame's is in it, or in `json`, the request is made for each frame, and is a 404 if it is hidden.
    good
        The status for who may ask.
    lacking
        Frames for which it is a 404 even to who may see them.
    not_shown
        Frames that are not asked for as those who may see them, as it takes too long.
    by_token
        Whether a session counts for nothing.
    written
        The frame that is written to: an answer may name it by its number.
    """

    who: Who
    path: str
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    good: int = 200
    lacking: Set[str] = frozenset()
    not_shown: Set[str] = frozenset()
    by_token: bool = False
    written: str = ""

    @property
    def is_of_a_frame(self) -> bool:
        return any(f"{{{name}}}" in f"{self.path} {self.json}" for name in ("frame", "version", "thumbnail"))

    def expect(self, viewer: Viewer, kind: str) -> int:
        """Return the status of the answer to a viewer; `kind` is empty if the request is of no frame."""
        if self.who is Who.ANYBODY:
            return self.good
        rights = {
            Who.VIEWERS: True,
            Who.HOLDERS: viewer.is_somebody and not (viewer.has_session or viewer.is_from_portal),
            Who.SESSIONS: viewer.has_session,
            Who.INGESTERS: viewer.may_ingest,
            Who.JOB_READERS: viewer.may_ingest or viewer.is_operator,
            Who.OPERATORS: viewer.is_operator,
            Who.ADMINS: viewer.is_admin,
        }
        if not viewer.is_known or (not rights[self.who] and self._asks_for_a_name(viewer)):
            return 401
        if not rights[self.who]:
            return 403
        return 404 if kind in viewer.hidden | self.lacking else self.good

    def _asks_for_a_name(self, viewer: Viewer) -> bool:
        is_anonymous = not viewer.is_somebody or (viewer.has_session and self.by_token)
        return is_anonymous or self.who in (Who.HOLDERS, Who.SESSIONS)


def _write(who: Who, path: str, json: Any = None, **options: Any) -> Row:
    return Row(who, path, json=json or {}, by_token=True, **options)


def _form(who: Who, path: str, good: int = 302, **form: str) -> Row:
    return Row(who, path, form=form, good=good)


STUBBED = frozenset({STUB})
#: By the name of the endpoint and the method.
ROWS: Mapping[tuple[str, str], tuple[Row, ...]] = {
    ("static", "GET"): (Row(Who.ANYBODY, "/static/icon.svg"),),
    ("frames_views.search", "GET"): (
        Row(Who.VIEWERS, "/?limit=200"),
        Row(Who.VIEWERS, "/?limit=1&ordering=proposal_id"),
        Row(Who.VIEWERS, f"/?proposal_id={OTHERS}-proposal"),
        Row(Who.VIEWERS, f"/?q={OTHERS}-proposal"),
        Row(Who.VIEWERS, f"/?availability=proprietary&site_id={OTHERS}-site&site_id=x"),
        Row(Who.VIEWERS, "/?proposal=1&basenam=x", good=400),
    ),
    ("nights_views.show_last", "GET"): (Row(Who.VIEWERS, "/nights/", good=302),),
    ("nights_views.show_night", "GET"): (Row(Who.VIEWERS, "/nights/2026-11-01"),),
    ("nights_views.stream_changes", "GET"): (Row(Who.VIEWERS, "/nights/2026-11-01/changes"),),
    ("targets.show_targets", "GET"): (
        Row(Who.ANYBODY, "/targets/"),
        Row(Who.VIEWERS, f"/targets/?targets={ALL_SKY}&radius=180"),
        Row(Who.VIEWERS, f"/targets/?targets={OTHERS}"),
    ),
    ("targets.list_targets", "POST"): (
        Row(Who.VIEWERS, "/targets/", json={"targets": ["0 +0", f"{OTHERS}-target_name"], "radius": 180}),
    ),
    ("targets.export_targets", "POST"): (
        Row(Who.VIEWERS, "/targets/targets.csv", form={"targets": "0 +0", "radius": "180"}),
    ),
    ("targets.export_frames", "POST"): (
        Row(Who.VIEWERS, "/targets/frames.csv", form={"targets": "0 +0", "radius": "180"}),
    ),
    ("frames_views.show_help", "GET"): (Row(Who.VIEWERS, "/help"),),
    ("frames_views.set_preferences", "POST"): (_form(Who.ANYBODY, "/preferences", theme="red"),),
    ("frames_api.list_frames", "GET"): (
        Row(Who.VIEWERS, "/frames/?include_thumbnails=true"),
        Row(Who.VIEWERS, "/frames/?pagination_style=cursor&limit=1&ordering=target_name"),
        Row(Who.ANYBODY, f"/frames/?basename={OTHERS}&proposal=1", good=400),
        Row(Who.VIEWERS, "/frames/?cursor=of-none", good=400),
    ),
    ("frames_api.show_aggregate", "GET"): (
        Row(Who.VIEWERS, "/frames/aggregate/"),
        Row(Who.VIEWERS, f"/frames/aggregate/?proposal_id={OTHERS}-proposal"),
    ),
    ("frames_views.show_frame", "GET"): (
        Row(Who.VIEWERS, "/frames/{frame}/?include_thumbnails=true"),
        Row(Who.VIEWERS, "/frames/{frame}/", headers=HTML),
    ),
    ("calibrations_views.show_calibrations", "GET"): (
        Row(Who.VIEWERS, "/frames/{frame}/calibrations"),
        Row(Who.VIEWERS, "/frames/{frame}/calibrations", headers=HTML),
    ),
    ("frames_api.show_headers", "GET"): (Row(Who.VIEWERS, "/frames/{frame}/headers/"),),
    ("frames_api.list_related", "GET"): (Row(Who.VIEWERS, "/frames/{frame}/related/"),),
    ("frames_views.show_preview", "GET"): (
        Row(Who.VIEWERS, "/frames/{frame}/previews/small.jpg", lacking=STUBBED),
        Row(
            Who.VIEWERS, "/frames/{frame}/previews/small.jpg", headers={"If-None-Match": "*"}, good=304, lacking=STUBBED
        ),
    ),
    ("quick_looks_views.show_quick_look", "GET"): (
        Row(Who.VIEWERS, "/frames/{frame}/quicklook", not_shown=frozenset(KINDS)),
    ),
    ("frames_api.post_frame", "POST"): (
        _write(Who.INGESTERS, "/frames/", {**WRITTEN, "basename": f"{REWRITTEN}-frame"}, good=201, written=REWRITTEN),
        _write(Who.INGESTERS, "/frames/", {**WRITTEN, "basename": f"{OTHERS}.frame", "version_set": 1}, good=400),
    ),
    ("bundles.download_zip", "POST"): (
        Row(Who.VIEWERS, "/frames/zip/", json={"frame_ids": ["{frame}"]}, lacking=WITHOUT_VERSION),
    ),
    ("exports.export_csv", "GET"): (
        Row(Who.VIEWERS, "/export.csv"),
        Row(Who.VIEWERS, f"/export.csv?proposal_id={OTHERS}-proposal"),
    ),
    ("exports.export_votable", "GET"): (Row(Who.VIEWERS, "/export.vot?ordering=proposal_id"),),
    ("exports.export_json_lines", "GET"): (Row(Who.VIEWERS, "/export.jsonl"),),
    ("exports.export_regions", "GET"): (Row(Who.VIEWERS, "/export.reg"),),
    ("exports.export_urls", "GET"): (Row(Who.VIEWERS, "/export.txt"),),
    ("exports.export_script", "GET"): (Row(Who.VIEWERS, "/export.sh"),),
    ("exports.export_zip", "GET"): (Row(Who.VIEWERS, f"/export.zip?basename_exact={PUBLIC}-frame"),),
    ("exports.list_links", "POST"): (Row(Who.VIEWERS, "/links/", form={"md5": "0" * 32}),),
    ("carts.show_cart", "GET"): (Row(Who.VIEWERS, "/cart"),),
    ("carts.export_cart", "GET"): (Row(Who.VIEWERS, "/cart.csv"), Row(Who.VIEWERS, "/cart.sh")),
    ("carts.zip_cart", "GET"): (Row(Who.VIEWERS, "/cart.zip", good=404),),
    ("carts.add", "POST"): (Row(Who.VIEWERS, "/cart/add", form={"frame_ids": str(NO_JOB)}),),
    ("carts.add_all", "POST"): (Row(Who.VIEWERS, "/cart/add-all?site_id=nowhere", form={"next": "/"}),),
    ("carts.add_calibrations", "POST"): (Row(Who.VIEWERS, "/cart/add-calibrations", form={"frame_ids": str(NO_JOB)}),),
    ("carts.remove", "POST"): (Row(Who.VIEWERS, "/cart/remove", form={"frame_ids": str(NO_JOB)}),),
    ("carts.empty", "POST"): (Row(Who.VIEWERS, "/cart/empty", form={"next": "/"}),),
    ("bundles.download_unpacked", "GET"): (
        Row(Who.VIEWERS, "/frame-funpack/{frame}/funpack/", lacking=WITHOUT_VERSION),
    ),
    ("bundles.download_catalog", "GET"): (
        Row(Who.VIEWERS, "/frame-catalog/{frame}/catalog/", not_shown=frozenset(KINDS)),
    ),
    ("downloads.download", "GET"): (Row(Who.ANYBODY, "/downloads/wrong/frame.fits", good=404),),
    ("downloads.show_thumbnail", "GET"): (Row(Who.ANYBODY, "/pictures/wrong/frame-small.jpg", good=404),),
    ("thumbnails_api.list_thumbnails", "GET"): (
        Row(Who.VIEWERS, "/thumbnails/"),
        Row(Who.VIEWERS, f"/thumbnails/?proposal_id={OTHERS}-proposal"),
    ),
    ("thumbnails_api.show_thumbnail", "GET"): (Row(Who.VIEWERS, "/thumbnails/{thumbnail}/", lacking=STUBBED),),
    ("thumbnails_api.post_thumbnail", "POST"): (
        _write(
            Who.INGESTERS,
            "/thumbnails/",
            {
                **WRITTEN,
                "frame_basename": f"{OTHERS}-frame",
                "size": "large",
                "version_set": [{"key": "1", "extension": ".jpg", "md5": "0" * 32}],
            },
            good=201,
            written=OTHERS,
        ),
    ),
    ("versions_api.list_versions", "GET"): (
        Row(Who.JOB_READERS, "/versions/"),
        Row(Who.JOB_READERS, "/versions/?limit=1&offset=1"),
    ),
    ("versions_api.show_version", "GET"): (Row(Who.JOB_READERS, "/versions/{version}/", lacking=WITHOUT_VERSION),),
    ("ingest_api.create_job", "POST"): (
        _write(Who.INGESTERS, "/ingest/jobs", {"filepath": "/elsewhere/frame.fits"}, good=400),
        _write(Who.INGESTERS, "/ingest/jobs", {"jobs": [{"filepath": "/elsewhere/frame.fits"}]}, good=400),
    ),
    ("ingest_api.retry_job", "POST"): (_write(Who.INGESTERS, f"/ingest/jobs/{NO_JOB}/retry", good=404),),
    ("ingest_views.list_jobs", "GET"): (
        Row(Who.JOB_READERS, "/ingest/jobs"),
        Row(Who.JOB_READERS, f"/ingest/jobs?filename={OTHERS}"),
        Row(Who.OPERATORS, "/ingest/jobs", headers=HTML),
    ),
    ("ingest_views.show_job", "GET"): (
        Row(Who.JOB_READERS, f"/ingest/jobs/{NO_JOB}", good=404),
        Row(Who.OPERATORS, "/ingest/jobs/{job}", headers=HTML),
    ),
    ("ingest_views.show_overview", "GET"): (Row(Who.OPERATORS, "/ingest"),),
    ("ingest_views.retry_job", "POST"): (_form(Who.ADMINS, f"/ingest/jobs/{NO_JOB}/try-again", good=404),),
    ("ingest_views.retry_all", "POST"): (_form(Who.ADMINS, "/ingest/try-again", error_code="of none"),),
    ("proposals_views.show_proposals", "GET"): (Row(Who.OPERATORS, "/proposals"),),
    ("proposals_views.add_member", "POST"): (
        _form(Who.ADMINS, "/proposals/members", proposal_id=f"{MINE}-proposal", username="member"),
    ),
    ("proposals_views.remove_member", "POST"): (
        _form(Who.ADMINS, "/proposals/members/remove", proposal_id="of none", username="member"),
    ),
    ("embargoes_views.rule", "POST"): (
        _form(Who.ADMINS, "/embargoes", subject="proposal", proposal="of none", change="clear", reason="no reason"),
    ),
    ("accounts_api.show_profile", "GET"): (Row(Who.VIEWERS, "/profile/"),),
    ("accounts_api.show_token", "POST"): (Row(Who.ANYBODY, "/api-token-auth/", json={"username": "member"}, good=400),),
    ("accounts_api.replace_token", "POST"): (_write(Who.HOLDERS, "/revoke_token/"),),
    ("accounts.login", "GET"): (Row(Who.ANYBODY, "/login"),),
    ("accounts.log_in", "POST"): (_form(Who.ANYBODY, "/login", good=401, username="member", password="wrong"),),
    ("portal.begin", "GET"): (Row(Who.ANYBODY, "/login/portal", good=404),),  # nobody logs in there, in this archive
    ("portal.finish", "GET"): (Row(Who.ANYBODY, "/login/portal/callback?state=x&code=y", good=302),),
    ("accounts.logout", "POST"): (_form(Who.ANYBODY, "/logout"),),
    ("accounts.show_account", "GET"): (Row(Who.SESSIONS, "/account"),),
    ("accounts.log_out_everywhere", "POST"): (_form(Who.SESSIONS, "/account/log-out-everywhere"),),
    ("accounts.change_password", "POST"): (
        _form(Who.SESSIONS, "/account/password", good=400, old_password=PASSWORD, new_password="short"),
    ),
    ("accounts.create_token", "POST"): (
        _form(Who.SESSIONS, "/account/tokens", good=400, name="more", scope="ingest"),
        _form(Who.SESSIONS, "/account/tokens", good=201, name="own", scope="read"),
    ),
    ("accounts.revoke_token", "POST"): (_form(Who.SESSIONS, "/account/tokens/{token}/revoke", good=404),),
    ("saved_searches.list_searches", "GET"): (Row(Who.SESSIONS, "/searches"),),
    ("saved_searches.save", "POST"): (
        _form(Who.SESSIONS, f"/searches?proposal_id={OTHERS}-proposal&site_id=x", name="x"),
        _form(Who.SESSIONS, "/searches?position=M42", good=400, name=" "),
    ),
    ("saved_searches.show_search", "GET"): (Row(Who.SESSIONS, "/searches/{search}", good=404),),  # somebody else's
    **{
        (f"saved_searches.{endpoint}", "POST"): (
            _form(Who.SESSIONS, f"/searches/{{search}}/{path}", good=404, name="x", way=""),
        )
        for endpoint, path in (
            ("rename", "name"),
            ("set_alert", "alert"),
            ("ask_again", "confirmation"),
            ("pause", "pause"),
            ("resume", "resume"),
            ("delete", "delete"),
        )
    },
    ("saved_searches.show_unsubscribe", "GET"): (Row(Who.ANYBODY, "/alerts/unsubscribe/wrong", good=404),),
    ("saved_searches.unsubscribe", "POST"): (_form(Who.ANYBODY, "/alerts/unsubscribe/wrong", good=404),),
    ("saved_searches.show_confirmation", "GET"): (Row(Who.ANYBODY, "/alerts/confirm/wrong", good=404),),
    ("saved_searches.confirm", "POST"): (_form(Who.ANYBODY, "/alerts/confirm/wrong", good=404),),
    ("monitoring.show_health", "GET"): (Row(Who.ANYBODY, "/health/"),),
    ("monitoring.show_readiness", "GET"): (Row(Who.ANYBODY, "/ready"),),
    ("monitoring.show_metrics", "GET"): (Row(Who.OPERATORS, "/metrics"),),
    ("openapi_api.show_document", "GET"): (Row(Who.ANYBODY, "/openapi/"),),
    ("openapi_views.show_reference", "GET"): (Row(Who.ANYBODY, "/redoc/"),),
}
