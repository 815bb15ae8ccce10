"""What the application's rooms share; `create_app` binds it."""

from flask import current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from redis import Redis
from rq import Queue
from sqlalchemy import MetaData
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


db = SQLAlchemy(model_class=Model)
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


def get_queue(name: str) -> Queue:
    return Queue(name, connection=get_redis())
