"""Attacks on a live archive: each gets the answer that docs/security.md shows, and the archive lives."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.attacks.attack import Attack, summarize
from tests.attacks.catalogue import ATTACKS, DOCUMENT, build_document
from tests.attacks.pages import PAGES
from tests.attacks.site import Site, attacked_site

SERVER_ATTACKS = [attack for attack in ATTACKS if attack not in PAGES]


def name_attack(attack: Attack) -> str:
    return attack.run.__name__


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The attacked archive on each database; no attack depends on another."""
    on_postgresql = request.param == "postgresql"
    settings = {"DATABASE_URL": request.getfixturevalue("postgres").create_database()} if on_postgresql else {}
    with attacked_site(tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("files"), browser, **settings) as site:
        yield site


@pytest.mark.parametrize("attack", SERVER_ATTACKS, ids=name_attack)
def test_the_attack_gets_the_answer_that_it_must(site: Site, attack: Attack) -> None:
    assert summarize(attack.run(site)) == attack.outcome
    assert site.is_alive()


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)  # what a browser does does not depend on the database
@pytest.mark.parametrize("attack", PAGES, ids=name_attack)
def test_the_attack_on_pages_gets_the_answer_that_it_must(site: Site, attack: Attack) -> None:
    test_the_attack_gets_the_answer_that_it_must(site, attack)


def test_the_document_shows_them_all() -> None:
    written = DOCUMENT.read_text()
    assert build_document(written, (attack.outcome for attack in ATTACKS)) == written, "run: make attacks"
    assert len(ATTACKS) >= 40
