"""Any part of a basename is found in its two parts, wherever it lies, as in the whole."""

import random

import pytest

from app.frame_columns.basenames import LONGEST_TAIL, Parts, match_names, split_basename

ODD = ["a", "", "x" * 255, "IMG_0001", "-", "--", "a-b", "a-b-c", "é-Ü-ß", "A-B-" + "c" * 60, "f81d4fae-7dec-11d0-a765"]


def make_names(chance: random.Random, number: int) -> list[str]:
    sites, suffixes = ["lsc1m009-fa04", "LSC1M009-fa15", "coj2m002-en06"], ["e00", "e91", "b00", "E91-x"]
    return [
        f"{chance.choice(sites)}-202611{chance.randrange(10, 30)}-{chance.randrange(40):04d}-{chance.choice(suffixes)}"
        for _ in range(number)
    ]


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_the_sum_of_its_parts(name):
    head, tail = split_basename(name)
    assert head + tail == name.encode().lower()
    assert len(tail) <= LONGEST_TAIL


@pytest.mark.parametrize("is_frozen", [False, True, None], ids=["as they came", "frozen", "half of them frozen"])
def test_any_part_is_found_wherever_it_lies(is_frozen):
    chance = random.Random(5)
    names = [*ODD, *make_names(chance, 400)]
    heads, tails, numbers = Parts.make(), Parts.make(), []
    for place, name in enumerate(names):
        if is_frozen is None and place == 200:
            heads, tails = heads.freeze(), tails.freeze()
        head, tail = split_basename(name)
        numbers.append((heads.number(head), tails.number(tail)))
    if is_frozen:
        heads, tails = heads.freeze(), tails.freeze()
    assert [(heads.number(head), tails.number(tail)) for head, tail in map(split_basename, names)] == numbers
    for _ in range(150):
        name = chance.choice(names)
        begin = chance.randrange(len(name) or 1)
        text = name[begin : begin + chance.randrange(1, 25)] or "-"
        text = chance.choice([text, text.upper(), text + "x", text.replace("e", "E")])
        match = match_names(heads, tails, text)
        found = [bool(match.heads[head] & match.tails[tail]) for head, tail in numbers]
        lowered = text.encode().lower()
        assert found == [lowered in other.encode().lower() for other in names], text
        assert not match.is_by_heads or found == [bool(match.wanted_heads[head]) for head, _ in numbers]
        assert all(match.wanted_heads[head] for (head, _), is_found in zip(numbers, found, strict=True) if is_found)
