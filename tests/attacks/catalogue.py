"""All attacks, and the document that they make."""

from collections.abc import Iterable

from app.reference import PROJECT_DIR
from tests.attacks.accounts import ACCOUNTS
from tests.attacks.attack import Attack
from tests.attacks.files import FILES
from tests.attacks.links import LINKS
from tests.attacks.pages import PAGES
from tests.attacks.protocol import PROTOCOL
from tests.attacks.searches import SEARCHES

CHAPTERS = (LINKS, SEARCHES, PAGES, ACCOUNTS, PROTOCOL, FILES)
ATTACKS: tuple[Attack, ...] = tuple(attack for chapter in CHAPTERS for attack in chapter)
DOCUMENT = PROJECT_DIR / "docs" / "security.md"
TABLE = "| attack | to get | answer |\n|---|---|---|\n"
#: Where the tables of the document begin; what stands before is written by hand.
BEGIN = "<!-- Made by `make attacks`. -->\n"


def build_document(written: str, outcomes: Iterable[str]) -> str:
    """Return docs/security.md: what is written by hand, and after it what became of each attack."""
    found = iter(outcomes)
    tables = [
        f"\n### {chapter.title}\n\n{TABLE}" + "".join(_row(attack, next(found)) for attack in chapter)
        for chapter in CHAPTERS
    ]
    return written.partition(BEGIN)[0] + BEGIN + "".join(tables)


def _row(attack: Attack, outcome: str) -> str:
    cells = (attack.title, attack.aim, outcome)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |\n"
