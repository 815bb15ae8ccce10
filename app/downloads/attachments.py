"""How an answer says under which name a browser shall keep it."""

import re
from urllib.parse import quote

from werkzeug.datastructures import Headers

UNSAFE = re.compile(r"[^\w.+=,()@% -]", re.ASCII)


def name_attachment(headers: Headers, filename: str) -> None:
    """Name an attachment as it is, and for programs that know ASCII only with a _ for each other sign (RFC 6266).

    No sign becomes another that looks like it: the look-alikes of the slash and of the dot would make a path.
    """
    plain = UNSAFE.sub("_", filename)
    exact = {} if plain == filename else {"filename*": f"UTF-8''{quote(filename, safe='')}"}
    headers.set("Content-Disposition", "attachment", filename=plain, **exact)
