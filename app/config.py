"""The settings, read once into one frozen object, and what follows from those that are left empty."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limits import RateLimitItem

from app.settings import NEEDS, PRODUCTION, SETTINGS
from ocs_archive.settings import SettingError

SHORTEST_SECRET = 32
LONGEST_SOCKET_PATH = 100  # the kernel's limit for a Unix socket's path is 108 bytes


@dataclass(frozen=True)
class AppConfig:
    """Every setting of the application, and what follows from them where they are left empty."""

    environment: str
    host: str
    port: int
    data_dir: Path
    workers: int
    web_concurrency: int
    demo: bool
    secret_key: str
    database_url: str
    database_reader_url: str
    database_prepared_statements: bool
    redis_url: str
    embedded_redis_socket: Path | None
    upload_dir: Path
    ingest_roots: tuple[Path, ...]
    ingest_job_timeout_s: int
    ingest_lease_s: int
    ingest_attempts: int
    ingest_first_retry_s: int
    ingest_last_retry_s: int
    queue_broker_url: str
    processed_exchange_enabled: bool
    processed_exchange_name: str
    intake_rabbitmq: bool
    intake_queue_name: str
    intake_folders: tuple[Path, ...]
    webhook_urls: tuple[str, ...]
    webhook_secret: str
    oauth_profile_url: str
    oauth_client_id: str
    oauth_client_secret: str
    oauth_authorize_url: str
    oauth_token_url: str
    oidc_discovery_url: str
    oidc_proposals_claim: str
    auth_cache_seconds: int
    metrics_public: bool
    log_format: str
    public_url: str
    trusted_hosts: tuple[str, ...]
    trusted_proxies: int
    rate_limit_anonymous: RateLimitItem | None
    rate_limit_user: RateLimitItem | None
    log_in_limit: RateLimitItem | None
    archive_name: str
    name_resolver_url: str
    aladin_lite_dir: Path
    aladin_survey_url: str
    download_link_hours: int
    zip_download_filename_base: str
    zip_download_max_uncompressed_files: int
    cart_most_frames: int
    cart_days: int
    quick_look_cache_bytes: int
    saved_searches_per_user: int
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_user: str
    smtp_password: str
    mail_from: str
    alert_mails_per_hour: int
    alert_webhooks_internal: bool
    count_patience_ms: int
    max_upload_bytes: int
    upload_quota_bytes: int
    upload_reserve_bytes: int
    configdb_url: str
    configuration_types: tuple[str, ...]
    science_configuration_types: tuple[str, ...]

    @property
    def offers_portal_log_in(self) -> bool:
        """Whether users may log in at a portal or a provider."""
        return bool(self.oauth_client_id and (self.oauth_authorize_url or self.oidc_discovery_url))

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "AppConfig":
        """Read the settings; make the embedded secret if there is none yet.

        Raises
        ------
        SettingError
            If values can't be understood, or production lacks secrets: a line for each, so that all can be mended
            in one go.
        """
        values, faults = _read_all(environ)
        faults += _list_missing(values)
        if values.get("environment") == PRODUCTION:
            faults += _list_missing_in_production(values, environ)
        if faults:
            raise SettingError("\n".join(faults))
        data_dir = Path(values["data_dir"]).expanduser().resolve()
        socket = None if values["redis_url"] else _embedded_redis_socket(data_dir)
        return cls(
            **values
            | {
                "data_dir": data_dir,
                "secret_key": values["secret_key"] or _embedded_secret_key(data_dir / "secret_key"),
                "database_url": values["database_url"] or f"sqlite:///{data_dir / 'archive.db'}",
                "redis_url": values["redis_url"] or f"unix://{socket}",
                "embedded_redis_socket": socket,
                "upload_dir": Path(values["upload_dir"] or data_dir / "uploads").expanduser().resolve(),
            }
        )


def _read_all(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings' values by their attributes' names, and what is wrong with those that have none."""
    values: dict[str, Any] = {}
    faults = []
    for name, setting in SETTINGS.items():
        try:
            values[name.lower()] = setting.read(environ)
        except SettingError as error:
            faults.append(str(error))
    return values, faults


def _list_missing(values: Mapping[str, Any]) -> list[str]:
    """Say which settings lack another that they need."""
    return [
        f"The setting {needed} is missing: {name} needs it."
        for name, others in NEEDS.items()
        for needed in others
        if values.get(name.lower()) and not values.get(needed.lower(), "unreadable")
    ]


def _list_missing_in_production(values: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Say what has a default that is for trying out only."""
    missing = []
    if len(values.get("secret_key", "")) < SHORTEST_SECRET:
        missing.append(
            f"The setting SECRET_KEY is missing, or short: in production it must be a random text of {SHORTEST_SECRET} "
            "characters or more, as “openssl rand -hex 32” makes."
        )
    if not (values.get("public_url", "unreadable") or values.get("trusted_hosts")):
        missing.append(
            "The setting PUBLIC_URL is missing: without it, or TRUSTED_HOSTS, links would lead to whatever host a "
            "request names."
        )
    if environ.get("FILESTORE_TYPE") == "s3" and not environ.get("BUCKET"):
        missing.append("The setting BUCKET is missing: FILESTORE_TYPE=s3 needs it.")
    return missing


def use_embedded_file_store(environ: MutableMapping[str, str]) -> None:
    """Give `ocs_archive` a local store below DATA_DIR where the environment names no store."""
    if not environ.get("FILESTORE_TYPE"):
        environ["FILESTORE_TYPE"] = "local"
    if environ["FILESTORE_TYPE"] == "local" and not environ.get("FILESYSTEM_STORAGE_ROOT_DIR"):
        data_dir = Path(SETTINGS["DATA_DIR"].read(environ)).expanduser().resolve()
        environ["FILESYSTEM_STORAGE_ROOT_DIR"] = str(data_dir / "files")


def _embedded_redis_socket(data_dir: Path) -> Path:
    """Place the socket in the data folder; where that path is too long for one, in the system's temporary folder."""
    socket = data_dir / "redis" / "redis.sock"
    if len(str(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"archive-{name}" / "redis.sock"


def _embedded_secret_key(path: Path) -> str:
    """Return the key kept in a file. The first process makes it, whole from the start; the others read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()
