"""A document's faults in plain words: what is wrong with a value, and what to write instead.

pydantic says what it expected; here that becomes what a planner should type.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from optimizer.errors import nearest

NOT_A_NUMBER = "must be a number"
TELLS_ALL = 0
LONGEST_SHOWN = 60  # characters of a faulty value

#: pydantic's complaint that a value is of another kind -> what it must be.
KINDS = {
    "model_type": "must be keys and values",
    "model_attributes_type": "must be keys and values",
    "dict_type": "must be keys and values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be text; put it in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "float_type": NOT_A_NUMBER,
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
}
#: pydantic's complaint that text is no number.
PARSED = ("float_parsing", "int_parsing")
#: pydantic's complaint about a limit -> where it keeps the limit, and the limit in words.
LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}
#: Places whose numbers are easily taken for something else -> what they are.
MEANT = (
    (r"/bounds(/\d)?", "bounds are factors of the current spend, such as [0.5, 1.5]"),
    (r"/channels/[^/]+/change(/\d)?", "change is a fraction, such as [-0.2, 0.2]"),
)
AMOUNT = re.compile(r"(-?\d{1,3}(?:[ ,'_\u00a0\u202f]\d{3})+|-?\d+)([.]\d+)? ?([kKmM%]?)")
TIMES = {"": 1.0, "k": 1e3, "m": 1e6, "%": 0.01}
CURRENCY = re.compile(r"[€$£]|\b[A-Z]{3}\b")
POINTS = re.compile(r"-?[1-9]\d{0,2}(?:[.]\d{3})+")  # of thousands, or one before decimals
DECIMAL_COMMA = re.compile(r"(-?\d+),(\d{1,2})( ?%?)")
DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d")


def fault_in_words(fault: Mapping[str, Any], pointer: str) -> str:
    """One of pydantic's complaints, about the value at a place, as a planner reads it."""
    given = fault.get("input")
    text = _example(fault["type"], pointer, given) or _complaint(fault, pointer)
    shown = isinstance(given, int | float | str) and len(str(given)) < LONGEST_SHOWN and pointer
    return f"{text} (it is {given!r})" if shown else text


def rank(fault: str, words: str) -> int:
    """How little a complaint tells where a place may hold one of several kinds: 0 tells all."""
    if words.endswith("there is none"):
        return 3
    if fault == "literal_error":
        return 2
    return 1 if fault in KINDS else TELLS_ALL


def _example(fault: str, pointer: str, given: Any) -> str:
    """What to write where one value was given in place of keys and values; empty elsewhere."""
    if fault not in ("model_type", "model_attributes_type"):
        return ""
    if pointer == "/history" and isinstance(given, str):
        return f"write history: {{file: {given}}}"
    if re.fullmatch(r"/channels/[^/]+", pointer) and isinstance(given, int | float):
        return f"write {{locked: {given}}} or {{min: ..., max: ...}}"
    return ""


def _complaint(fault: Mapping[str, Any], pointer: str) -> str:
    kind, given = fault["type"], fault.get("input")
    if kind in KINDS or kind in LIMITS or kind == "missing":
        meant = [words for place, words in MEANT if re.fullmatch(place, pointer)]
        return "; ".join([_kind_or_limit(kind, fault.get("ctx", {})), *meant])
    if kind == "literal_error":
        return _one_of(str(fault["ctx"]["expected"]), given)
    if kind.startswith("date_"):
        return f"must be a date; write {_date_in(given) or 'it as 2024-12-31'}"
    text = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    text = text.replace("should be a finite", "must be a finite")
    if isinstance(given, str) and (text == NOT_A_NUMBER or kind in PARSED):
        return how_to_write(given)
    return text[0].lower() + text[1:]


def _kind_or_limit(kind: str, context: Mapping[str, Any]) -> str:
    if kind not in LIMITS:
        return KINDS.get(kind, "is missing; add it")
    key, words = LIMITS[kind]
    bound = float(context[key])
    return f"must be {words} {bound:,.0f}" if bound.is_integer() else f"must be {words} {bound:g}"


def _one_of(expected: str, given: Any) -> str:
    names = re.findall(r"'([^']*)'", expected)
    if not names or not isinstance(given, str):
        return f"must be {expected}"
    hint = nearest(given, names)
    return hint if hint.startswith("did") else f"is none of them; {hint}"


def how_to_write(text: str) -> str:
    """How a number given as text is written as a number.

    Examples
    --------
    >>> how_to_write("200k")
    'must be a number: write 200000, without separators, quotes or currency'
    >>> how_to_write("220.000")
    'must be a number: write 220000 or 220, without separators, quotes or currency'
    >>> how_to_write("40 %"), how_to_write("much")
    ('must be a number: write 0.4 for 40 %', 'must be a number')
    """
    bare = CURRENCY.sub("", text).strip()
    if POINTS.fullmatch(bare):
        decimal = f" or {float(bare):.12g}" if bare.count(".") == 1 else ""
        whole = bare.replace(".", "")
        return f"{NOT_A_NUMBER}: write {whole}{decimal}, without separators, quotes or currency"
    comma = DECIMAL_COMMA.fullmatch(bare)
    found = AMOUNT.fullmatch("{}.{}{}".format(*comma.groups()) if comma else bare)
    if found is None:
        return NOT_A_NUMBER
    digits, fraction, letter = found.groups()
    amount = float(re.sub(r"[^\d-]", "", digits) + (fraction or "")) * TIMES[letter.lower()]
    if letter == "%":
        return f"{NOT_A_NUMBER}: write {amount:.12g} for {text.strip()}"
    return f"{NOT_A_NUMBER}: write {amount:.12g}, without separators, quotes or currency"


def _date_in(given: Any) -> dt.date | None:
    """The date that text in another order names, where it can be only one."""
    found = {date for form in DATES if (date := _read_date(str(given).strip(), form))}
    return found.pop() if len(found) == 1 else None


def _read_date(text: str, form: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, form).date()
    except ValueError:
        return None
