"""Sends the requests that the OpenAPI document leads to, and holds each answer against the document."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
from hypothesis import strategies
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, Config, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app.request_ids import HEADER as REQUEST_ID_HEADER
from tests.contract.stock import OPERATOR
from tests.fuzz import odd_values
from tests.fuzz.site import ROWS, Site, Viewer

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
ROW_NUMBERS = ("frame_id", "version_id", "thumbnail_id", "job_id")
NO_HTTP = {400, 414, 431}  # what gunicorn says, in our stead, of a request that is malformed or too long
TIMEOUT_S = 60
MOST_KEPT = 3


@dataclass(frozen=True)
class Plan:
    """How many requests each viewer sends to each operation.

    Attributes
    ----------
    drawn
        At most as many at random.
    most
        At most as many of each other kind; None: all.
    seed
        Chooses those at random.
    """

    drawn: int
    most: int | None = None
    seed: int = 1

    def thin_out(self, cases: list[Any]) -> list[Any]:
        """Leave as many as are wanted, from all parts of a list."""
        return cases if self.most is None else cases[:: -(-len(cases) // self.most) or 1]


@dataclass
class Tally:
    """What came of one viewer's requests to one operation.

    Attributes
    ----------
    failures
        What was wrong, and how to see it again: one case of each kind.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return self.statuses.total()


def fuzz(site: Site, plan: Plan) -> Iterator[tuple[str, str, Tally]]:
    """Ask each operation of an archive as each viewer; yield the operation, the viewer, and what came of it."""
    schema = openapi.from_url(f"{site.url}/openapi/", config=_build_config(site, plan.seed))
    for found in schema.get_all_operations():
        operation = found.ok()
        probes = plan.thin_out(_list_probes(schema, operation))
        cases = strategies.one_of([operation.as_strategy(mode) for mode in MODES])
        for viewer in site.viewers.values():
            interview = Interview(site, operation, viewer)
            interview.probe(probes)
            interview.draw(cases, plan)
            interview.send_odd_bodies(plan)
            yield operation.label, viewer.name, interview.tally


def _list_probes(schema: BaseSchema, operation: APIOperation) -> list[Case]:
    """Return requests that take the limits of each parameter and field one by one, and methods that it has not."""
    options = {"generation_modes": MODES, "generation_config": schema.config.generation}
    probes = list(schema.iter_coverage_cases(operation, **options))
    for case in probes:
        probed = case.meta.phase.data.parameter
        if probed in case.query:  # with all the others no search is answered
            case.query = {probed: case.query[probed]}
    return probes


class Interview:
    """One viewer's requests to one operation."""

    def __init__(self, site: Site, operation: APIOperation, viewer: Viewer) -> None:
        self.url = site.url + operation.path
        self.operation, self.viewer = operation, viewer
        self.example = _find_example(operation)
        self.tally = Tally()

    def probe(self, probes: list[Case]) -> None:
        """Send requests that do not depend on chance."""
        for case in probes:
            self._send(case, {})

    def draw(self, cases: SearchStrategy[Case], plan: Plan) -> None:
        """Send requests at random, some as the document allows and some as it does not."""
        headers = strategies.sampled_from(odd_values.HEADERS)
        check = hypothesis.given(cases, headers, strategies.randoms(use_true_random=False))(self._send_drawn)
        settings = hypothesis.settings(
            max_examples=plan.drawn,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),  # the schemas are as large as they are
        )
        hypothesis.seed(plan.seed)(settings(check))()

    def send_odd_bodies(self, plan: Plan) -> None:
        """Send what is no JSON and no form, or only just, if the operation takes a body of this viewer."""
        is_heard = self.viewer.name == OPERATOR or {} in (self.operation.definition.raw["security"] or [{}])
        bodies = self.example.write_odd() if self.example and is_heard else ()
        for body, media_type in plan.thin_out(list(bodies)):
            headers = {**self.viewer.headers, "Content-Type": media_type}
            response = requests.post(self.url, data=body, headers=headers, timeout=TIMEOUT_S)
            self._check(self.operation.Case(), response)

    def _send_drawn(self, case: Case, headers: Mapping[str, str], rng: random.Random) -> None:
        """Send a case as it is, or a few of its fields or parameters: all of them are seldom answered well."""
        drawn = case.body if self.example and isinstance(case.body, dict) else case.query
        kept = rng.randrange(MOST_KEPT + 1)
        if kept and drawn:
            self._keep(case, rng.sample(list(drawn), min(kept, len(drawn))))
        self._send(case, headers)

    def _keep(self, case: Case, names: list[str]) -> None:
        """Leave some fields of a case's body, and the others as in the document's example; or some parameters."""
        if self.example and isinstance(case.body, dict):
            case.body = self.example.build(**{name: case.body[name] for name in names})
        else:
            case.query = {name: case.query[name] for name in names}

    def _send(self, case: Case, headers: Mapping[str, str]) -> None:
        try:
            response = case.call(headers={**headers, **self.viewer.headers}, timeout=TIMEOUT_S)
        except ValueError:
            return  # what no client can send: line breaks in a header, or no Latin-1
        self._check(case, response)
        self.viewer.take_new_token(response)

    def _check(self, case: Case, response: Any) -> None:
        self.tally.statuses[response.status_code] += 1
        if REQUEST_ID_HEADER.lower() not in response.headers and response.status_code in NO_HTTP:
            return
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                begin = failure.message.partition("\n")[0][:80]
                self.tally.failures.setdefault(f"{response.status_code} {failure.title}: {begin}", str(group))


def _find_example(operation: APIOperation) -> odd_values.Example | None:
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    example = content.get("application/json", {}).get("example")
    return odd_values.Example(example | odd_values.MORE_FIELDS.get(operation.path, {})) if example else None


def _build_config(site: Site, seed: int) -> Config:
    """Name values that schemas do not lead to: odd ones, and numbers and links that are there."""
    tokens, filenames = zip(*site.list_downloads(), strict=True)
    values = {"rows": list(ROWS), "tokens": [*tokens], "filenames": [*filenames], "texts": odd_values.TEXTS}
    values |= {kind: odd for kind, (odd, _) in odd_values.PARAMETERS.items()}
    parameters = {
        f"query.{name}": _often(kind, 0.4) for kind, (_, names) in odd_values.PARAMETERS.items() for name in names
    }
    parameters |= {f"path.{name}": _often("rows", 0.7) for name in ROW_NUMBERS}
    parameters |= {"path.token": _often("tokens", 0.7), "path.filename": _often("filenames", 0.7)}
    return Config.from_dict(
        {
            "seed": seed,
            "dictionaries": {name: {"values": entries} for name, entries in values.items()},
            "parameters": parameters,
            "generation": {"dictionaries": {"string": _often("texts", 0.1)}},
            "output": {"sanitization": {"enabled": False}},  # the tokens are the run's own
        }
    )


def _often(dictionary: str, probability: float) -> dict[str, Any]:
    return {"dictionary": dictionary, "probability": probability}
