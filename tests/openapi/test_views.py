"""The page of the API shows all that is in the document."""

import html
import re
import shlex

import pytest
from flask.testing import FlaskClient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it asks no database


@pytest.mark.parametrize("path", ["/redoc/", "/redoc"])
def test_the_page_has_each_operation_parameter_and_field(client: FlaskClient, path: str) -> None:
    document, page = client.get("/openapi/").json, client.get(path).text
    shown = set(re.findall(r'<th scope="row" class="mono">(\w+)', page))
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {address}</h2>" in page
            assert {parameter["name"] for parameter in operation["parameters"]} <= shown
    for name, schema in document["components"]["schemas"].items():
        assert f'id="schema-{name}"' in page
        assert schema.get("properties", {}).keys() <= shown


def test_every_link_of_the_page_leads_somewhere(client: FlaskClient) -> None:
    page = client.get("/redoc/").text
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_examples_can_be_copied_into_a_shell(client: FlaskClient) -> None:
    commands = [html.unescape(found) for found in re.findall(r">(curl [^<]+)</pre>", client.get("/redoc/").text)]
    assert len(commands) > 20
    for command in commands:
        assert shlex.split(command)[-1].startswith("http://localhost/")
    assert """-d '{"frame_ids": [1, 2]}' http://localhost/frames/zip/""" in " ".join(commands)
