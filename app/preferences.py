"""What a person likes: kept in one cookie of their browser, so that it needs no account and no JavaScript."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import parse_qs, urlencode

COOKIE = "preferences"
COOKIE_LIFE_S = 365 * 86400
#: What may be chosen, the default first.
THEMES = ("auto", "light", "dark", "red")
DENSITIES = ("cosy", "compact")
TIMES = ("utc", "mjd")
KEYS = ("on", "off")


@dataclass(frozen=True)
class Preferences:
    """A person's choices.

    Attributes
    ----------
    keys
        Whether single keys do something: they are in the way of some screen readers and of dictation.
    columns
        Names of a table's columns; none: the usual ones.
    """

    theme: str = THEMES[0]
    density: str = DENSITIES[0]
    times: str = TIMES[0]
    keys: str = KEYS[0]
    columns: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Write them for the cookie."""
        return urlencode({field.name: getattr(self, field.name) for field in fields(self)}, doseq=True)


def read_preferences(text: str) -> Preferences:
    """Read what `Preferences.to_text` wrote; what can't be used is the default."""
    return choose(parse_qs(text[:2000]), Preferences())


def choose(given: Mapping[str, Sequence[str]], before: Preferences) -> Preferences:
    """Return the preferences with some of them chosen anew."""

    def pick(name: str, choices: Sequence[str]) -> str:
        chosen = next(iter(given.get(name, ())), "")
        return chosen if chosen in choices else getattr(before, name)

    columns = tuple(name for name in given.get("columns", before.columns) if name.isidentifier() and name.isascii())
    return Preferences(
        pick("theme", THEMES), pick("density", DENSITIES), pick("times", TIMES), pick("keys", KEYS), columns[:30]
    )
