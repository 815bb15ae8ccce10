"""The rows in the order of the store."""

import datetime as dt
import itertools

from hypothesis import HealthCheck, example, given, settings

from app.audit import queries
from app.audit.queries import list_rows
from app.extensions import db
from app.frames.models import Thumbnail, Version
from tests.frames_factory import add_frame
from tests.nasty_paths import HARDEST, PATHS

NUMBERS = itertools.count()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=PATHS)
@example(paths=HARDEST)
def test_both_databases_order_paths_by_their_bytes(app, paths):
    with app.app_context():
        root = f"{next(NUMBERS)}/"
        versions = [
            {"key": "1", "md5": f"{next(NUMBERS):032x}", "extension": ".fits", "store_path": root + path}
            for path in paths
        ]
        add_frame(f"frame{root[:-1]}", version_set=versions)
        listed = [row.path.removeprefix(root) for row in list_rows(Version, root)]
        assert listed == sorted(paths, key=str.encode)


def test_pages_join_without_a_gap(app, monkeypatch):
    """Also where a path has many versions, and a bucket without versions calls them all alike."""
    monkeypatch.setattr(queries, "PAGE_ROWS", 2)
    with app.app_context():
        versions = [
            {"key": "null", "md5": f"{number:032x}", "extension": ".fits", "store_path": "site/a.fits"}
            for number in range(5)
        ]
        frame_id = add_frame("a", version_set=versions)
        db.session.execute(
            db.insert(Thumbnail),
            [
                {"frame_id": frame_id, "size": str(size), "store_path": f"site/{size}", "key": "1", "md5": ""}
                | {"extension": ".jpg", "created": dt.datetime.now(dt.UTC)}
                for size in range(4)
            ],
        )
        db.session.commit()
        assert [row.id for row in list_rows(Version, "")] == [1, 2, 3, 4, 5]
        assert [row.path for row in list_rows(Thumbnail, "")] == [f"site/{size}" for size in range(4)]
        assert list(list_rows(Version, "site/b")) == []
