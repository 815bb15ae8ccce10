"""What the soak says of its figures."""

import re

import pytest

from bench import soak
from bench.gunicorns import Memory


def test_waits_and_memory_are_told() -> None:
    minutes = [number * soak.MEMORY_EVERY_S / 60 for number in range(50)]
    memories = [[Memory(200, 50, 150), Memory(300 + 2 * minute, 50, 250 + 2 * minute)] for minute in minutes]
    for filling in memories[:10]:
        filling[0] = Memory(90, 50, 40)
    arrivals = soak.Arrivals(10, [0.3, 0.1, 0.2])
    report = soak.build_report("Ten minutes.", [number / 1000 for number in range(1, 1001)], arrivals, memories)
    heading, *tables = report.split("\n\n")
    waits, memory = ([line.split("|")[1:-1] for line in re.sub(" +", "", table).splitlines()[2:]] for table in tables)
    assert heading == "Ten minutes."
    assert waits == [
        ["reads", "1,000", "500ms", "950ms", "990ms", "1000ms"],
        ["submitteduntilfound", "3", "200ms", "300ms", "300ms", "300ms"],
    ]
    assert re.findall("part [0-9]", tables[1].splitlines()[0]) == [f"part {part}" for part in (1, 2, 3, 4, 5, 1)]
    assert memory[0] == ["process1,resident", "90", "90", "200", "200", "200", "200", "200", "+0.00"]
    assert memory[5][:-1] == ["process2,private", "250", "251", "252", "254", "256", "257", "258"]
    slopes = {name: float(slope) for name, *_, slope in memory}
    assert slopes["process1,resident"] == pytest.approx(0)
    assert slopes["process2,private"] == pytest.approx(2)
