"""The web application: registration, nothing else."""

import datetime as dt

from flask import Flask
from redis import Redis
from werkzeug.middleware.proxy_fix import ProxyFix

from app.accounts import api as accounts_api
from app.accounts import cli as accounts_cli
from app.accounts import views as accounts_views
from app.addresses import RowNumber, serve_at
from app.aladin import register_aladin
from app.audit import cli as audit_cli
from app.calibrations import views as calibrations_views
from app.carts import views as carts_views
from app.commands import ArchiveCommands
from app.compression import register_compression
from app.config import AppConfig
from app.cors import register_cors
from app.counters import Counters
from app.database import build_engine_options, build_replica, set_up_connections
from app.downloads import api as downloads_api
from app.downloads import views as downloads_views
from app.embargoes import cli as embargoes_cli
from app.embargoes import views as embargoes_views
from app.errors import register_error_handlers
from app.events import cli as events_cli
from app.exports import api as exports_api
from app.exports import views as exports_views
from app.extensions import csrf, db, migrate
from app.frame_columns import cli as frame_columns_cli
from app.frame_columns.refresh import FrameColumns
from app.frames import api as frames_api
from app.frames import views as frames_views
from app.frames.configuration_types import ConfigurationTypes
from app.ingest import api as ingest_api
from app.ingest import cli as ingest_cli
from app.ingest import views as ingest_views
from app.ingest.uploads import UploadRequest
from app.monitoring import api as monitoring_api
from app.monitoring.parts import Parts
from app.nights import views as nights_views
from app.ocs_import import cli as ocs_import_cli
from app.openapi import api as openapi_api
from app.openapi import views as openapi_views
from app.pages import register_pages
from app.portal import views as portal_views
from app.portal.client import Portal
from app.portal.login import LogIn
from app.proposals import cli as proposals_cli
from app.proposals import views as proposals_views
from app.quick_looks import views as quick_looks_views
from app.rate_limits import register_limits
from app.reading import Replica
from app.request_ids import follow_requests
from app.saved_searches import cli as saved_searches_cli
from app.saved_searches import views as saved_searches_views
from app.settings import PRODUCTION
from app.styles import register_styles
from app.targets import views as targets_views
from app.thumbnails import api as thumbnails_api
from app.times import format_json_value
from app.versions import api as versions_api
from ocs_archive.storage.filestorefactory import FileStoreFactory

LARGEST_PLAIN_REQUEST_BYTES = 1024**2
SESSION_LIFE = dt.timedelta(hours=12)  # one night
ROOMS = (
    accounts_api.blueprint,
    accounts_cli.blueprint,
    accounts_views.blueprint,
    audit_cli.blueprint,
    calibrations_views.blueprint,
    carts_views.blueprint,
    downloads_api.blueprint,
    downloads_views.blueprint,
    embargoes_cli.blueprint,
    embargoes_views.blueprint,
    events_cli.blueprint,
    exports_api.blueprint,
    exports_views.blueprint,
    frame_columns_cli.blueprint,
    frames_api.blueprint,
    frames_views.blueprint,
    ingest_api.blueprint,
    ingest_cli.blueprint,
    ingest_views.blueprint,
    monitoring_api.blueprint,
    nights_views.blueprint,
    ocs_import_cli.blueprint,
    openapi_api.blueprint,
    openapi_views.blueprint,
    portal_views.blueprint,
    proposals_cli.blueprint,
    proposals_views.blueprint,
    quick_looks_views.blueprint,
    saved_searches_cli.blueprint,
    saved_searches_views.blueprint,
    targets_views.blueprint,
    thumbnails_api.blueprint,
    versions_api.blueprint,
)


def create_app(config: AppConfig) -> Flask:
    """Build the application. Nothing connects before it is asked something."""
    app = Flask(__name__)
    is_production = config.environment == PRODUCTION
    app.cli = ArchiveCommands(app.name)
    app.json.default = format_json_value  # type: ignore[attr-defined]  # of Flask's own provider
    app.config.update(
        ARCHIVE=config,
        SECRET_KEY=config.secret_key,
        TRUSTED_HOSTS=list(config.trusted_hosts) or None,
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=build_engine_options(config, config.database_url),
        SQLALCHEMY_BINDS=build_replica(config),
        MAX_CONTENT_LENGTH=LARGEST_PLAIN_REQUEST_BYTES,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_production,
        SESSION_COOKIE_NAME="__Host-session" if is_production else "session",  # no other host can set such a one
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
    )
    app.request_class = UploadRequest
    app.extensions["redis"] = Redis.from_url(config.redis_url)
    app.extensions["configuration_types"] = ConfigurationTypes(config.configdb_url, config.configuration_types)
    app.extensions["counters"] = Counters(config.redis_url)
    app.extensions["frame_columns"] = FrameColumns(config.data_dir)
    app.extensions["replica"], app.extensions["reading_engines"] = Replica(), {}
    app.extensions["file_store"] = FileStoreFactory.get_file_store_class()()
    app.extensions["parts"] = Parts(config, app.extensions["file_store"])
    app.extensions["portal"] = Portal(config.oauth_profile_url)
    app.extensions["portal_log_in"] = LogIn(config)
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    set_up_connections(app)
    register_compression(app)
    register_error_handlers(app)
    register_pages(app)
    register_styles(app)
    register_aladin(app, config)
    register_cors(app)
    register_limits(app)
    app.url_map.converters["int"] = RowNumber
    app.url_map.strict_slashes = False  # OCS programs ask with and without a slash at the end
    for api in (accounts_api.blueprint, frames_api.blueprint, ingest_api.blueprint, thumbnails_api.blueprint):
        csrf.exempt(api)  # it takes writes by token only, and a browser adds no token by itself
    csrf.exempt(frames_views.set_preferences)  # it looks at the Origin: most have no session
    for view in (saved_searches_views.unsubscribe, saved_searches_views.confirm):
        csrf.exempt(view)  # the link carries the right; mail programs send the form by themselves
    for reader in (downloads_api.blueprint, exports_api.blueprint, targets_views.blueprint):
        csrf.exempt(reader)  # its POST only reads
    for room in ROOMS:
        app.register_blueprint(room)
    follow_requests(app)
    if config.public_url:
        serve_at(app, config.public_url)
    if config.trusted_proxies:  # a proxy's word on the host counts for nothing: TRUSTED_HOSTS and PUBLIC_URL have it
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]  # Flask's documented way to wrap an application
    return app
