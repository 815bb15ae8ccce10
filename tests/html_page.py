"""A page as a test reads it: its text, its links by their text, and what stands in its fields, but for the footer's."""

from collections.abc import Mapping
from html.parser import HTMLParser

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class HtmlPage(HTMLParser):
    """The page of an answer. Rows that are hidden are no part of its text."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.status = answer.status_code
        self.links: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.html = answer.get_data(as_text=True)
        self._words: list[str] = []
        self._link: tuple[str, int] | None = None  # its address, and where its text begins
        self._select = ""
        self._is_chosen = self._is_hidden = self._is_footer = False
        self.feed(self.html)

    @property
    def text(self) -> str:
        return self._text_from(0)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self._link = given.get("href") or "", len(self._words)
        elif tag == "select":
            self._select = given["name"] or ""
        elif tag == "option":
            self._is_chosen = "selected" in given
        elif tag == "tr":
            self._is_hidden = "hidden" in given
        elif tag == "footer":
            self._is_footer = True
        elif tag == "input" and not self._is_footer:
            self._take_input(given)

    def _take_input(self, given: Mapping[str, str | None]) -> None:
        if "name" in given and (given["type"] != "checkbox" or "checked" in given):
            self.fields[given["name"] or ""] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            address, start = self._link
            self.links[self._text_from(start)] = address
        elif tag == "footer":
            self._is_footer = False
        elif tag == "tr":
            self._is_hidden = False

    def handle_data(self, data: str) -> None:
        if self._is_chosen:
            self.fields[self._select], self._is_chosen = data, False
        if not self._is_hidden:
            self._words.append(data)

    def _text_from(self, start: int) -> str:
        return " ".join(" ".join(self._words[start:]).split())


def get_page(client: FlaskClient, path: str, headers: Mapping[str, str] | None = None) -> HtmlPage:
    """Ask for a page as a browser does."""
    return HtmlPage(client.get(path, headers={**BROWSER, **(headers or {})}))
