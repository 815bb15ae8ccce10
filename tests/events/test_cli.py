"""The publisher's command, and those by which a person decides of the outbox."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.events.queries import count_owed
from tests.events.conftest import Hook, publish_once
from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame

OLD = "https://old.example/"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the queries have their own tests


@pytest.fixture
def orphaned(make_app: MakeApp, hook: Hook) -> Flask:
    """The application with one webhook, and a message that is owed to another, no longer in the settings."""
    with make_app(WEBHOOK_URLS=OLD, WEBHOOK_SECRET="of the webhook").app_context():
        add_frame("a")
    return make_app(WEBHOOK_URLS=hook.url)


def test_what_is_owed_to_one_no_longer_told_stays_and_is_named(
    orphaned: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert publish_once(orphaned) == 0
    assert f"1 messages are owed to {OLD}, which is no longer in the settings" in caplog.text
    assert "PUBLIC_URL is not set: the links in messages begin with http://127.0.0.1:8000" in caplog.text
    with orphaned.app_context():
        assert count_owed()[OLD].owed == 1


def test_a_person_can_forget_it_but_nothing_of_a_wrong_name(orphaned: Flask) -> None:
    runner = orphaned.test_cli_runner()
    assert "There is no target" in runner.invoke(args=["outbox", "forget", f"{OLD}typo"]).output
    assert runner.invoke(args=["outbox", "forget", OLD]).output == f"1 messages to {OLD} are deleted.\n"
    with orphaned.app_context():
        assert count_owed() == {}


def test_without_a_target_there_is_nothing_to_do(runner: FlaskCliRunner) -> None:
    done = runner.invoke(args=["publish", "--once"])
    assert done.exit_code == 1
    assert "WEBHOOK_URLS" in done.output


def test_a_broker_address_that_is_none_is_named(make_app: MakeApp) -> None:
    app = make_app(PROCESSED_EXCHANGE_ENABLED="true", QUEUE_BROKER_URL="rabbit.example:5672")
    done = app.test_cli_runner().invoke(args=["publish", "--once"])
    assert done.exit_code == 1
    assert "QUEUE_BROKER_URL" in done.output
