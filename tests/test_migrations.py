"""The migrations make the tables that the models describe, on both databases."""

import flask_migrate


def test_no_drift(app):
    with app.app_context():
        flask_migrate.check()


def test_down_and_up_again(app):
    with app.app_context():
        flask_migrate.downgrade(revision="base")
        flask_migrate.upgrade()
        flask_migrate.check()
