"""Which configuration types the observatory has, also those of which no frame has come: choices for who searches."""

import logging
import threading
import time
from collections.abc import Collection
from typing import Any

import requests

log = logging.getLogger(__name__)

TIMEOUT_S = 2.0
LIFE_S, PAUSE_S = 3600.0, 60.0  # of an answer, and after none


class ConfigurationTypes:
    """The types as the OCS's configuration database has them, else as the settings do.

    Parameters
    ----------
    configdb_url
        Of the database's API; empty: there is none.
    listed
        The types until it has answered.
    """

    def __init__(self, configdb_url: str, listed: Collection[str]) -> None:
        self._url = f"{configdb_url.rstrip('/')}/instruments/" if configdb_url else ""
        self._known = frozenset(listed)
        self._asking = threading.Lock()
        self._asked_again_at = 0.0

    def get_known(self) -> frozenset[str]:
        """Return what is known now. An answer that is old is renewed in a thread, for which nobody waits."""
        if self._url and time.monotonic() >= self._asked_again_at and self._asking.acquire(blocking=False):
            threading.Thread(target=self._renew, name="configdb", daemon=True).start()
        return self._known

    def _renew(self) -> None:
        """Ask; the old answer is kept if there is no new one."""
        life_s = PAUSE_S
        try:
            answer = requests.get(self._url, timeout=TIMEOUT_S)
            answer.raise_for_status()
            self._known, life_s = _read(answer.json()), LIFE_S
        except (requests.RequestException, KeyError, TypeError, RecursionError) as error:
            log.warning("CONFIGDB_URL does not tell the configuration types, the old ones are kept: %r", error)
        finally:
            self._asked_again_at = time.monotonic() + life_s
            self._asking.release()


def _read(body: Any) -> frozenset[str]:
    kinds = (instrument["instrument_type"] for instrument in body["results"])
    return frozenset(str(found["code"]) for kind in kinds for found in kind["configuration_types"])
