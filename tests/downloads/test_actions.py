"""The tokens of links are itsdangerous' own: links that earlier releases have granted go on working."""

from unittest.mock import patch

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from app.downloads.actions import THUMBNAIL, VERSION, Links, redeem_link, redeem_thumbnail_link
from tests.fixtures.application import SECRET_KEY

MOMENT_S = 1_790_000_000


@pytest.mark.parametrize(
    ("kind", "what", "path"),
    [(VERSION, 7, "downloads"), (VERSION, 2**62, "downloads"), (THUMBNAIL, [8, "a key – of a store"], "pictures")],
)
def test_a_token_is_what_the_library_makes(app: Flask, kind: str, what: int | list[int | str], path: str) -> None:
    with app.test_request_context(base_url="https://archive.example/below"), patch("time.time", return_value=MOMENT_S):
        links = Links()
        link = links.to_version(what, "a/b ü#?.fits") if kind == VERSION else links.to_thumbnail(*what, "a.jpg")
        head, token, *name = link.removeprefix("https://archive.example/below/").split("/")
        assert head == path
        assert name == (["a", "b%20%C3%BC%23%3F.fits"] if kind == VERSION else ["a.jpg"])
        assert URLSafeTimedSerializer(SECRET_KEY, salt=kind).loads(token) == what
        redeem = redeem_link if kind == VERSION else redeem_thumbnail_link
        by_library = URLSafeTimedSerializer(SECRET_KEY, salt=kind).dumps(what)
        assert redeem(token) == redeem(by_library) == (what if kind == VERSION else tuple(what))
