"""``python -m app.reference`` writes what is said once in the code into the papers: settings.md and .env.example."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from app.config import SETTINGS as APP_SETTINGS
from ocs_archive.settings import SETTINGS as LIBRARY_SETTINGS
from ocs_archive.settings import Setting

PROJECT_DIR = Path(__file__).resolve().parent.parent

SETTINGS_HEAD = """# Settings

Each setting is an environment variable. This page is made from the code: `python -m app.reference`.
Secrets are marked; keep them out of files that are shared.
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


PAPERS = {"docs/settings.md": build_settings_page, ".env.example": build_environment_example}


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
