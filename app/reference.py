"""``python -m app.reference`` writes what is said once in the code into the papers: settings, errors of ingest."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from app.ingest.error_codes import CODES_BY_CLASS
from app.settings import SETTINGS as APP_SETTINGS
from ocs_archive.settings import SETTINGS as LIBRARY_SETTINGS
from ocs_archive.settings import Setting

PROJECT_DIR = Path(__file__).resolve().parent.parent

SETTINGS_HEAD = """# Settings

Each setting is an environment variable. This page is made from the code: `python -m app.reference`.
Secrets are marked. Any of them may stand in a file instead, which NAME_FILE names, such as SECRET_KEY_FILE.
"""

ERRORS_HEAD = """# Why a file was not archived

Each failure of an ingest job has a class, which says whether it is tried again, and a code, which is stable: programs
may count and filter by it (`GET /ingest/jobs?error_code=fits.truncated`). The message names the file and the mend.
This page is made from the code: `python -m app.reference`.

| class | what the archive does |
|---|---|
| `RetryError` | tries again, 2 s later (INGEST_FIRST_RETRY_S) |
| `BackoffRetryError` | tries again, each time later, up to 10 min (INGEST_LAST_RETRY_S), INGEST_ATTEMPTS times in all |
| `DoNotRetryError` | nothing: it would fail again. Mend the cause, then retry the job or submit the file again |
| `NonFatalDoNotRetryError` | nothing, and nothing is wrong: the file is in the archive |

| code | class | what it means, and the mend |
|---|---|---|
"""


def build_settings_page() -> str:
    """Return docs/settings.md."""
    return (
        SETTINGS_HEAD
        + "\n## The application\n\n"
        + _build_table(APP_SETTINGS.values())
        + "\n## Data files and file stores (`ocs_archive`)\n\n"
        + _build_table(LIBRARY_SETTINGS.values())
    )


def build_environment_example() -> str:
    """Return .env.example: every setting with its default, commented out."""
    head = "# Copy to .env, set what differs, and read it: set -a; . ./.env; set +a\n"
    head += "# Made from the code: python -m app.reference\n"
    settings = [*APP_SETTINGS.values(), *LIBRARY_SETTINGS.values()]
    return head + "".join(
        f"\n# {setting.help}\n# {setting.name}={shlex.quote(setting.default)}\n" for setting in settings
    )


def build_errors_page() -> str:
    """Return docs/ingest-errors.md."""
    rows = (
        f"| `{code}` | {error_class.removesuffix('Error')} | {meaning} |\n"
        for error_class, codes in CODES_BY_CLASS.items()
        for code, meaning in codes.items()
    )
    return ERRORS_HEAD + "".join(rows)


PAPERS = {
    "docs/settings.md": build_settings_page,
    "docs/ingest-errors.md": build_errors_page,
    ".env.example": build_environment_example,
}


def _build_table(settings: Iterable[Setting]) -> str:
    rows = "".join(
        f"| `{setting.name}` | {setting.help.replace('|', '&#124;')}{' **Secret.**' if setting.secret else ''} "
        f"| {f'`{setting.default}`' if setting.default else ''} |\n"
        for setting in settings
    )
    return "| variable | meaning | default |\n|---|---|---|\n" + rows


if __name__ == "__main__":
    for name, build in PAPERS.items():
        (PROJECT_DIR / name).write_text(build())
