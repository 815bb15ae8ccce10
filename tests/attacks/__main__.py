"""``python -m tests.attacks`` attacks an archive of its own, and writes docs/security.md."""

import tempfile
from pathlib import Path

from tests.attacks.attack import summarize
from tests.attacks.catalogue import ATTACKS, DOCUMENT, build_document
from tests.attacks.site import attacked_site
from tests.fixtures.browser import chromium


def main() -> int:
    """Return how many attacks had another outcome than they must have."""
    outcomes = []
    with (
        tempfile.TemporaryDirectory() as data_dir,
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        attacked_site(Path(data_dir), Path(folder), browser) as site,
    ):
        for attack in ATTACKS:
            outcomes.append(summarize(attack.run(site)))
            verdict = "as it must be" if outcomes[-1] == attack.outcome else f"NOT {attack.outcome}"
            print(f"{attack.title}: {outcomes[-1]}, {verdict}", flush=True)
    DOCUMENT.write_text(build_document(DOCUMENT.read_text(), outcomes))
    return sum(outcome != attack.outcome for outcome, attack in zip(outcomes, ATTACKS, strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
