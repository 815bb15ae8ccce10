"""What a request for a zip may not say is refused, and named."""

from flask.testing import FlaskClient

BODIES = (
    ({}, "frame_ids"),
    ({"frame_ids": []}, "frame_ids"),
    ({"frame_ids": "1"}, "frame_ids"),
    ({"frame_ids": ["x"]}, "frame_ids"),
    ({"frame_ids": [0]}, "frame_ids"),
    ({"frame_ids": [2**63]}, "frame_ids"),
    ({"frame_ids": list(range(1, 10_002))}, "frame_ids"),
    ({"frame_ids": [1], "uncompress": "perhaps"}, "uncompress"),
    ({"frame_ids": [1], "catalog_only": 7}, "catalog_only"),
    ({"frame_ids": [1], "uncompress": True, "catalog_only": True}, "catalog_only"),
    ({"frame_ids": [1], "auth_token": 1}, "auth_token"),
    ({"frame_ids": [1], "frames": [1]}, "frames"),
)
FORMS = (
    ({"frame_ids": "x"}, "frame_ids"),
    ({"frame_ids[x]": "1"}, "frame_ids[x]"),
    ({"frame_ids": "1", "uncompress": ["true", "false"]}, "uncompress"),
    ({"frame_ids": " "}, "frame_ids"),
)


def test_what_can_not_be_used_is_named(client: FlaskClient) -> None:
    for body, field in BODIES:
        answer = client.post("/frames/zip/", json=body)
        assert (answer.status_code, field in answer.json) == (400, True), (body, answer.json)


def test_a_form_that_can_not_be_used_is_named(client: FlaskClient) -> None:
    for form, field in FORMS:
        answer = client.post("/frames/zip/", data=form)
        assert (answer.status_code, field in answer.json) == (400, True), (form, answer.json)


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    assert client.post("/frames/zip/", data={"frame_ids": "1" * 2**21}).status_code == 413
    assert client.post("/frames/zip/", json={"frame_ids": ["1" * 2**21]}).status_code == 413
