"""Bodies that are no question the service can answer: broken, faulty, or contradictory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.service.running import SCENARIO

NO_NUMBERS: tuple[Any, ...] = ("much", None, [], {}, True, "1e999", "NaN", [1, 2], {"min": 1})
BAD_NUMBERS: tuple[Any, ...] = (-1, -0.01, 1e300, -1e300)
BAD_NAMES = ("", "serch", "x" * 10_000, "\0", "tv\n", "📺", "../..", "__proto__", "tv ", "null")


def raw() -> dict[str, bytes]:
    """Bodies that are no JSON, or JSON nobody can mean."""
    whole = json.dumps({"scenario": SCENARIO, "model": "current"}).encode()
    found = {f"cut at {cut}": whole[:cut] for cut in range(1, len(whole), 9)}
    for depth in (50, 500, 900, 990, 5_000, 100_000):
        found[f"{depth} lists deep"] = b"[" * depth + b"]" * depth
        nested = b'{"scenario":' * depth + b"1" + b"}" * depth
        found[f"{depth} objects deep"] = nested
        deep = (
            b'{"scenario":{"periods":1,"channels":' + b'{"a":' * depth + b"1" + b"}" * (depth + 2)
        )
        found[f"channels {depth} deep"] = deep
    for name in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0x1", b"01", b"'1'", b"1_000"):
        body = b'{"model":"current","scenario":{"periods":10,"budget":' + name + b"}}"
        found[f"budget {name.decode()}"] = body
    found |= {
        "bytes": b"\xff\xfe\xfd",
        "half a letter": b'{"scenario":{"periods":1,"name":"\xc3"}}',
        "half a pair": b'{"model":"current","scenario":{"periods":1,"name":"\\ud800","x":1}}',
        "a key twice and a comma": b'{"scenario":{},"scenario":{},}',
        "a number": b"1" * 5_000,
        "a long number": b'{"scenario":{"periods":' + b"9" * 10_000 + b"}}",
        "a string": b'"scenario"',
        "null": b"null",
        "a list": b"[]",
        "a form": b"scenario=1&model=current",
        "XML": b"<scenario/>",
        "YAML": b"scenario:\n  periods: 1\n",
    }
    return found


def faulty() -> Iterator[dict[str, Any]]:
    """Scenarios with a fault in them."""
    for key in ("periods", "budget", "caution"):
        for value in (*NO_NUMBERS, *BAD_NUMBERS):
            if value is not None and not (key == "budget" and value == {"min": 1}):
                yield {**SCENARIO, key: value}
    yield from ({**SCENARIO, "periods": value} for value in (0, 1.5, 10**9, 100_000))
    yield from ({**SCENARIO, "objective": value} for value in ("", "fame", 7, [], {}))
    yield from ({**SCENARIO, "start": value} for value in ("someday", "2024-13-01", -1, [], {}))
    yield from ({**SCENARIO, key: 1} for key in ("budjet", "peroids", "__class__", "$ref"))
    for bound in ("min", "max", "lock", "fix"):
        for value in (*NO_NUMBERS[:1], *NO_NUMBERS[2:], *BAD_NUMBERS[:2]):
            yield {**SCENARIO, "channels": {"tv": {bound: value}}}
            yield {**SCENARIO, "channels": {"tv": {"min": 1}, "search": {bound: value}}}
    yield from ({**SCENARIO, "channels": {name: {"min": 1}}} for name in BAD_NAMES)
    yield from ({**SCENARIO, "channels": value} for value in (1, "tv", [], [{"tv": 1}], {"tv": 1}))


def contradictory() -> Iterator[dict[str, Any]]:
    """Scenarios whose every key is right and that nothing satisfies."""
    budget = SCENARIO["budget"]
    for share in (0.6, 0.75, 1.0, 5.0, 1e6):
        least = {"min": share * budget}
        yield {**SCENARIO, "channels": {"tv": least, "search": least}}
        yield {**SCENARIO, "channels": {"tv": {"min": 2 * share * budget}}}
    for most in (0, 1, 0.1 * budget, 0.49 * budget):
        yield {**SCENARIO, "channels": {name: {"max": most} for name in ("tv", "search")}}
    for gap in (1, 0.1, 1000):
        yield {**SCENARIO, "channels": {"tv": {"min": 100 + gap, "max": 100}}}


def crowded(count: int = 10_000) -> dict[str, Any]:
    """A scenario of ten thousand constraints, on channels that are not there."""
    channels = {f"c{number}": {"min": 1, "max": 2} for number in range(count)}
    return {**SCENARIO, "channels": channels}
