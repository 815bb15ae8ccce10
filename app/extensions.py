"""What the application's rooms share; `create_app` binds it."""

from contextlib import suppress
from typing import cast

from flask import current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf import CSRFProtect
from redis import Redis
from rq import Queue
from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase

from app.config import AppConfig
from ocs_archive.storage.filestore import FileStore

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    """What every table's class descends from."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class ArchiveSession(Session):
    """A session that can be left although its connection is gone: the database has rolled back by itself then."""

    def rollback(self) -> None:
        with suppress(OperationalError):
            super().rollback()

    def close(self) -> None:
        with suppress(OperationalError):
            super().close()


db = SQLAlchemy(model_class=Model, session_options={"class_": ArchiveSession})
migrate = Migrate()
csrf = CSRFProtect()


def get_config() -> AppConfig:
    config: AppConfig = current_app.config["ARCHIVE"]
    return config


def get_file_store() -> FileStore:
    """Return the application's file store: one object, so that its connections are kept."""
    store: FileStore = current_app.extensions["file_store"]
    return store


def get_redis() -> Redis:
    connection: Redis = current_app.extensions["redis"]
    return connection


def get_table(model: type[Model]) -> Table:
    """Return a model's table. A statement on it, rather than on the model, goes past the ORM, and costs half."""
    return cast(Table, model.__table__)


def insert_for_dialect(target: type[Model] | Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT, in the words of the application's database."""
    return postgresql.insert(target) if db.engine.dialect.name == "postgresql" else sqlite.insert(target)


def get_queue(name: str) -> Queue:
    return Queue(name, connection=get_redis())
