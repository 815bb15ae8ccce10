"""What can go wrong in a worker, where a file meets the database: each failure as one of the four kinds."""

from collections.abc import Iterator
from contextlib import contextmanager

import marshmallow as ma
from sqlalchemy.exc import IntegrityError, OperationalError

from app.params import build_bad_parameter
from ingest_worker.datafiles import translated_file_errors
from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError, RetryError


@contextmanager
def translated_errors(filename: str) -> Iterator[None]:
    """Turn what the parts raise into one of the four kinds."""
    try:
        with translated_file_errors(filename):
            yield
    except ma.ValidationError as error:
        message = build_bad_parameter(error.messages_dict).message
        raise DoNotRetryError(f"{filename}: {message}", "record.invalid") from error
    except IntegrityError as error:  # two workers brought the same file at the same moment
        raise RetryError(f"{filename} came in by another way at this moment.", "database.conflict") from error
    except OperationalError as error:
        raise BackoffRetryError(f"The database does not answer: {error.orig}", "database.unavailable") from error
