"""The application's settings: one table, which says how each is called, read, and explained."""

import re
from pathlib import Path

from limits import RateLimitItem, parse_many

from ocs_archive.settings import Setting, parse_flag, parse_int, parse_list

EMBEDDED, PRODUCTION = "embedded", "production"
TEXT, JSON = "text", "json"  # how logs are written
STARTTLS, TLS, NO_TLS = "starttls", "tls", "none"  # how the mail server is spoken to
#: What any mail server takes, and no header is broken by.
MAIL_ADDRESS = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}@(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII | re.IGNORECASE
)


def parse_environment(text: str) -> str:
    if text not in {EMBEDDED, PRODUCTION}:
        raise ValueError(f"{EMBEDDED} or {PRODUCTION}, not {text!r}")
    return text


def parse_log_format(text: str) -> str:
    if text not in {TEXT, JSON}:
        raise ValueError(f"{TEXT} or {JSON}, not {text!r}")
    return text


def parse_count(text: str) -> int:
    count = parse_int(text)
    if count < 1:
        raise ValueError(f"1 or more, not {count}")
    return count


def parse_amount(text: str) -> int:
    amount = parse_int(text)
    if amount < 0:
        raise ValueError(f"0 or more, not {amount}")
    return amount


def parse_limit(text: str) -> RateLimitItem | None:
    """Read a number and its time; an empty text is no limit."""
    if not text.strip():
        return None
    try:
        (limit,) = parse_many(text)
    except ValueError:
        raise ValueError(f"a number and its time, such as 1000/day or 10/15 minutes, or empty, not {text!r}") from None
    return limit


def parse_smtp_security(text: str) -> str:
    if text not in {STARTTLS, TLS, NO_TLS}:
        raise ValueError(f"{STARTTLS}, {TLS} or {NO_TLS}, not {text!r}")
    return text


def parse_mail_address(text: str) -> str:
    if text and not MAIL_ADDRESS.fullmatch(text):
        raise ValueError(f"a mail address such as archive@example.org, not {text!r}")
    return text


def parse_filename(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*", text, re.ASCII):
        raise ValueError(f"letters, digits, dots, hyphens and underlines, not {text!r}")
    return text


def parse_web_address(text: str) -> str:
    if text and not re.match(r"https?://[^/\s]", text):
        raise ValueError(f"an address that begins with https://, not {text!r}")
    return text


def parse_database_url(text: str) -> str:
    """Name psycopg 3 as the driver of a plain PostgreSQL URL."""
    for scheme in ("postgres://", "postgresql://"):
        if text.startswith(scheme):
            return "postgresql+psycopg://" + text.removeprefix(scheme)
    return text


def parse_path(text: str) -> Path:
    return Path(text).expanduser().resolve()


def parse_paths(text: str) -> tuple[Path, ...]:
    """Split a list of folders at the colons, and resolve their symlinks."""
    return tuple(Path(part).expanduser().resolve() for part in text.split(":") if part.strip())


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            "ENVIRONMENT",
            EMBEDDED,
            "embedded (a missing secret is made and kept in DATA_DIR) or production (a missing one stops the start).",
            parse_environment,
        ),
        Setting("HOST", "127.0.0.1", "Address that `make run` listens on."),
        Setting("PORT", "8000", "Port that `make run` listens on.", parse_int),
        Setting("DATA_DIR", "./var", "Folder of the embedded database, queue, files, uploads and logs."),
        Setting("WORKERS", "1", "Ingest workers that `make run` starts.", parse_count),
        Setting("WEB_CONCURRENCY", "2", "gunicorn processes that `make run` starts.", parse_count),
        Setting("DEMO", "true", "Whether `make run` fills an empty archive with a demo.", parse_flag),
        Setting("SECRET_KEY", "", "Signs sessions and download links; any long random text.", secret=True),
        Setting(
            "DATABASE_URL",
            "",
            "Database, such as postgresql://user:password@host/archive; empty: SQLite in DATA_DIR.",
            parse_database_url,
            secret=True,
        ),
        Setting(
            "DATABASE_READER_URL",
            "",
            "Replica of that database, from which searches, frames and headers are read; it may be a little late. Who "
            "is asking, and what was just written, is read from DATABASE_URL; while the replica is away, all is.",
            parse_database_url,
            secret=True,
        ),
        Setting(
            "DATABASE_PREPARED_STATEMENTS",
            "true",
            "Whether statements are prepared in PostgreSQL; false behind a PgBouncer in transaction mode that is older "
            "than 1.21, or whose max_prepared_statements is 0.",
            parse_flag,
        ),
        Setting("REDIS_URL", "", "Redis of the queue; empty: one of our own in DATA_DIR.", secret=True),
        Setting("UPLOAD_DIR", "", "Folder, shared with the workers, of files on their way in; empty: in DATA_DIR."),
        Setting(
            "INGEST_ROOTS",
            "",
            "Folders, separated by colons, below which jobs may name files; empty: only uploads are taken.",
            parse_paths,
        ),
        Setting("INGEST_JOB_TIMEOUT_S", "900", "Seconds after which a worker gives up on one file.", parse_int),
        Setting(
            "INGEST_LEASE_S",
            "60",
            "Seconds without a sign of a job's worker, or of its bell in Redis, after which it is looked after.",
            parse_int,
        ),
        Setting("INGEST_ATTEMPTS", "5", "How often a file is tried before its job fails.", parse_count),
        Setting("INGEST_FIRST_RETRY_S", "2", "Seconds until the first new try; each wait is longer.", parse_int),
        Setting("INGEST_LAST_RETRY_S", "600", "Seconds until the last new try.", parse_int),
        Setting("QUEUE_BROKER_URL", "", "RabbitMQ, such as amqp://user:password@host/; empty: none.", secret=True),
        Setting("PROCESSED_EXCHANGE_ENABLED", "false", "Whether archived versions are told to RabbitMQ.", parse_flag),
        Setting("PROCESSED_EXCHANGE_NAME", "archived_fits", "Fanout exchange that is told."),
        Setting("INTAKE_RABBITMQ", "false", "Whether `make run` takes ingest jobs from RabbitMQ.", parse_flag),
        Setting("INTAKE_QUEUE_NAME", "ingest", "Queue of files to ingest; refused messages go to <name>.dead."),
        Setting("INTAKE_FOLDERS", "", "Folders, separated by colons, that `make run` watches.", parse_paths),
        Setting("WEBHOOK_URLS", "", "Addresses, separated by commas, that are told of archived versions.", parse_list),
        Setting("WEBHOOK_SECRET", "", "Signs what is sent to WEBHOOK_URLS; any long random text.", secret=True),
        Setting(
            "OAUTH_PROFILE_URL",
            "",
            "Where the Observation Portal says whose a token is, such as https://portal.example.org/api/profile/; "
            "empty: only this archive's own tokens are known.",
            parse_web_address,
        ),
        Setting("OAUTH_CLIENT_ID", "", "The archive's name at the portal or provider where users log in; empty: none."),
        Setting("OAUTH_CLIENT_SECRET", "", "Its secret there; empty: it is a public client.", secret=True),
        Setting("OAUTH_AUTHORIZE_URL", "", "Where users log in to the Observation Portal.", parse_web_address),
        Setting("OAUTH_TOKEN_URL", "", "Where the portal gives a token for a log-in.", parse_web_address),
        Setting(
            "OIDC_DISCOVERY_URL",
            "",
            "Configuration of a provider of OpenID Connect, https://…/.well-known/openid-configuration, in place of "
            "the three other addresses.",
            parse_web_address,
        ),
        Setting("OIDC_PROPOSALS_CLAIM", "proposals", "Claim of that provider that lists a user's proposals."),
        Setting(
            "AUTH_CACHE_SECONDS",
            "300",
            "Seconds for which the Observation Portal's answer counts; a refusal counts for 60 at most.",
            parse_count,
        ),
        Setting("METRICS_PUBLIC", "false", "Whether /metrics answers anybody; else operators only.", parse_flag),
        Setting("LOG_FORMAT", "text", "How logs are written: text, or json (one object a line).", parse_log_format),
        Setting("PUBLIC_URL", "", "Address at which users reach the archive; empty: the one that they asked."),
        Setting(
            "TRUSTED_HOSTS",
            "",
            "Hosts by which users may address the archive, separated by commas, .example.org for all below it; "
            "empty: any. Where PUBLIC_URL is set, links name that, whatever a request says.",
            parse_list,
        ),
        Setting(
            "TRUSTED_PROXIES",
            "0",
            "How many proxies stand between users and the archive, each of which adds to X-Forwarded-For and "
            "X-Forwarded-Proto: the client's address and scheme are read there. 0: from the connection.",
            parse_amount,
        ),
        Setting(
            "RATE_LIMIT_ANONYMOUS",
            "1000/day",
            "Requests that an address may send without log-in, such as 1000/day; empty: any number.",
            parse_limit,
        ),
        Setting(
            "RATE_LIMIT_USER",
            "50000/day",
            "Requests that a user who is no operator may send, by all their tokens and sessions; empty: any number.",
            parse_limit,
        ),
        Setting(
            "LOG_IN_LIMIT",
            "10/15 minutes",
            "Wrong passwords for one account from one address; ten times as many from one address, and for one account "
            "from addresses where nobody has logged in to it. Empty: any number.",
            parse_limit,
        ),
        Setting("ARCHIVE_NAME", "Science Archive", "Name at the head of each page."),
        Setting("NAME_RESOLVER_URL", "", "URL of a Sesame name resolver; empty: only the built-in OpenNGC is asked."),
        Setting(
            "ALADIN_LITE_DIR",
            "node_modules/aladin-lite",
            "Folder of the npm package aladin-lite; without it the sky map stays as it is.",
            parse_path,
        ),
        Setting(
            "ALADIN_SURVEY_URL",
            "",
            "URL of the HiPS that Aladin Lite shows, which browsers then ask; empty: a plain sky, and nobody is asked.",
            parse_web_address,
        ),
        Setting("DOWNLOAD_LINK_HOURS", "48", "Hours for which a download link works.", parse_int),
        Setting("ZIP_DOWNLOAD_FILENAME_BASE", "ocs-frames", "How the names of zips begin.", parse_filename),
        Setting(
            "ZIP_DOWNLOAD_MAX_UNCOMPRESSED_FILES", "10", "Most frames that one zip gives uncompressed.", parse_count
        ),
        Setting("CART_MOST_FRAMES", "10000", "Most frames that a cart takes.", parse_count),
        Setting("CART_DAYS", "90", "Days for which a cart is kept that nobody adds to.", parse_count),
        Setting(
            "QUICK_LOOK_CACHE_BYTES",
            "2000000000",
            "What the quick looks of frames' pages, some 200 kB each, take in DATA_DIR of each machine that serves "
            "pages; the least used go first.",
            parse_amount,
        ),
        Setting(
            "SAVED_SEARCHES_PER_USER",
            "50",
            "Searches that a user may keep, and be told of new frames of; 0: none, and `make run` starts no alerts.",
            parse_amount,
        ),
        Setting("SMTP_HOST", "", "Mail server by which users are told of new frames; empty: no mail is sent."),
        Setting("SMTP_PORT", "587", "Its port: 587 with starttls, 465 with tls, 25 with none.", parse_int),
        Setting(
            "SMTP_SECURITY",
            "starttls",
            "How it is spoken to: starttls (it must offer it), tls from the beginning, or none.",
            parse_smtp_security,
        ),
        Setting("SMTP_USER", "", "Who logs in there; empty: nobody."),
        Setting("SMTP_PASSWORD", "", "Their password.", secret=True),
        Setting("MAIL_FROM", "", "Address that mails are from, such as archive@example.org.", parse_mail_address),
        Setting("ALERT_MAILS_PER_HOUR", "12", "Mails an hour to one user; more wait, and become one.", parse_count),
        Setting(
            "ALERT_WEBHOOKS_INTERNAL",
            "false",
            "Whether users may have alerts sent to addresses inside your network, and by http: whoever may log in can "
            "then make the archive send requests there.",
            parse_flag,
        ),
        Setting(
            "COUNT_PATIENCE_MS",
            "2000",
            "Milliseconds for an exact count; then it is estimated.",
            parse_count,
        ),
        Setting("MAX_UPLOAD_BYTES", str(8 * 1024**3), "Largest file that may be uploaded.", parse_int),
        Setting(
            "UPLOAD_QUOTA_BYTES",
            str(256 * 1024**3),
            "Bytes of one account's uploads that may wait to be archived; more are to be sent later. 0: any number.",
            parse_amount,
        ),
        Setting(
            "UPLOAD_RESERVE_BYTES",
            str(1024**3),
            "Bytes that uploads leave free on the disk of UPLOAD_DIR; more are to be sent later.",
            parse_amount,
        ),
        Setting(
            "CONFIGDB_URL",
            "",
            "API of the OCS configuration database, whose configuration types the search form offers beside those of "
            "frames; empty: none.",
            parse_web_address,
        ),
        Setting(
            "CONFIGURATION_TYPES",
            "",
            "Configuration types that the form offers beside those of frames, until CONFIGDB_URL has answered.",
            parse_list,
        ),
        Setting(
            "SCIENCE_CONFIGURATION_TYPES",
            "EXPOSE,TARGET,SPECTRUM,CATALOG,OBJECT",
            "Configuration types that are no calibrations.",
            parse_list,
        ),
    )
}


#: Settings that work only beside others.
NEEDS = {
    "PROCESSED_EXCHANGE_ENABLED": ("QUEUE_BROKER_URL",),
    "INTAKE_RABBITMQ": ("QUEUE_BROKER_URL",),
    "WEBHOOK_URLS": ("WEBHOOK_SECRET",),
    "SMTP_HOST": ("MAIL_FROM",),
    "SMTP_USER": ("SMTP_PASSWORD",),
    "OAUTH_AUTHORIZE_URL": ("OAUTH_TOKEN_URL", "OAUTH_PROFILE_URL"),
    "OAUTH_TOKEN_URL": ("OAUTH_CLIENT_ID",),
    "OIDC_DISCOVERY_URL": ("OAUTH_CLIENT_ID",),
}
