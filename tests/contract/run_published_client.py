"""Run by the Python of the published client: ingests what its input names, and prints what came of each file.

Input and output are JSON lists: ``[{"path": …, …}]``, with other arguments of the client's function beside the path,
and ``[{"outcome": …, "said": …, "record": …}]``, where the outcome is "archived" or the name of the error.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ocs_ingester import ingester


def ingest(path: str, **arguments: Any) -> dict[str, Any]:
    with Path(path).open("rb") as fileobj:
        try:
            record = ingester.upload_file_and_ingest_to_archive(fileobj, path=path, **arguments)
        except Exception as error:  # whatever it is, the test wants to know
            return {"outcome": type(error).__name__, "said": str(error), "record": {}}
    return {"outcome": "archived", "said": "", "record": record}


json.dump([ingest(**wanted) for wanted in json.load(sys.stdin)], sys.stdout)
