"""A search as a link, and as programs that find the same: for the shell, for Python, as a table of astropy."""

import shlex
from collections.abc import Sequence
from urllib.parse import urlencode

Parameters = Sequence[tuple[str, str]]

CURL = "curl --fail --silent --show-error"
BY_TOKEN = """printf 'header = "Authorization: Token %s"\\n' "$TOKEN" |\n  """  # noqa: S105  # it has none
PYTHON = """\
import json{os}

import requests

search = {search}
headers = {headers}
with requests.get({address}, params=search, headers=headers, stream=True, timeout=600) as answer:
    answer.raise_for_status()
    frames = [json.loads(line) for line in answer.iter_lines()]
print(len(frames), "frames")
"""
ASTROPY = """\
import io{os}

import requests
from astropy.table import Table

search = {search}
headers = {headers}
answer = requests.get({address}, params=search, headers=headers, timeout=600)
answer.raise_for_status()
table = Table.read(io.BytesIO(answer.content), format="votable")
print(table)
"""


def build_snippets(search: Parameters, page: str, records: str, votable: str, *, with_token: bool) -> dict[str, str]:
    """Return a search in four forms, by what they are called.

    Parameters
    ----------
    page, records, votable
        Addresses: of the search page, and of the exports as JSON lines and as a VOTable.
    with_token
        Whether the programs read a token from the environment: what the viewer sees may not be public.
    """
    return {
        "Link": f"{page}?{urlencode(search)}" if search else page,
        "curl": _build_curl(search, records, with_token),
        "Python": _fill_in(PYTHON, search, records, with_token),
        "astropy": _fill_in(ASTROPY, search, votable, with_token),
    }


def _build_curl(search: Parameters, address: str, with_token: bool) -> str:
    begin = f"{BY_TOKEN}{CURL} --config -" if with_token else CURL
    data = [f"--data-urlencode {shlex.quote(f'{name}={text}')}" for name, text in search]
    return " \\\n  ".join([f"{begin} --get {shlex.quote(address)}", *data]) + "\n"


def _fill_in(program: str, search: Parameters, address: str, with_token: bool) -> str:
    lines = "".join(f"    ({name!r}, {text!r}),\n" for name, text in search)
    return program.format(
        os="\nimport os" if with_token else "",
        search=f"[\n{lines}]" if search else "[]",
        headers='{"Authorization": f"Token {os.environ[\'TOKEN\']}"}' if with_token else "{}",
        address=repr(address),
    )
