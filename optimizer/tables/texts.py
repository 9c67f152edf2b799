"""JSON and YAML text as plain mappings: YAML 1.2 core rules, no surprises.

``1e6`` is a number; ``NO``, ``on`` and ``2027-01-04`` are text. Duplicate keys, NaN and infinity,
anchors, tags, and nesting no document needs are refused, each with its line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from optimizer.errors import DocumentError, Fault

DEEPEST = 32  # levels of nesting
LARGEST_YAML = 4 * 2**20  # characters; YAML is read slowly, and people do not write more
LONGEST_NUMBER = 300  # digits
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_HALF_CHARACTER = re.compile(  # an escaped surrogate without its other half
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def parse_document(data: bytes, name: str) -> dict[str, Any]:
    """A document's bytes as a mapping.

    Parameters
    ----------
    data : bytes
        UTF-8, with or without byte-order mark.
    name : str
        The file's name: ``.json`` is read as JSON, anything else as YAML.

    Raises
    ------
    DocumentError
        With the line of the fault and what to do.

    Examples
    --------
    >>> parse_document(b"budget: 1e6\\ncountry: NO\\nstart: 2027-01-04", "a.yaml")
    {'budget': 1000000.0, 'country': 'NO', 'start': '2027-01-04'}
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data[: wrong.start].count(b"\n") + 1
        raise _refusal(name, line, "the text is not UTF-8; save it as UTF-8") from wrong
    if not text.strip():
        raise _refusal(name, None, "the file is empty; write at least one key")
    found = _json(text, name) if name.lower().endswith(".json") else _yaml(text, name)
    if not isinstance(found, dict):
        raise _refusal(name, 1, "the top level must be keys with values, such as periods: 13")
    return found


def _refusal(name: str, line: int | None, message: str) -> DocumentError:
    where = f"line {line}: " if line else ""
    return DocumentError(f"document {name}", (Fault("", f"{where}{message}."),))


class _JsonFaultError(ValueError):
    """A fault found while decoding; its line is looked for afterwards."""


def _json(text: str, name: str) -> Any:
    line = _too_deep(text)
    if line:
        raise _refusal(name, line, f"more than {DEEPEST} levels of nesting; flatten it")
    half = _HALF_CHARACTER.search(text)
    if half:
        line = text.count("\n", 0, half.start()) + 1
        raise _refusal(name, line, "half a character (a lone surrogate); write it whole")
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_sane_int,
        )
    except json.JSONDecodeError as wrong:
        message = f"not valid JSON at column {wrong.colno} ({wrong.msg}); correct it"
        raise _refusal(name, wrong.lineno, message) from wrong
    except _JsonFaultError as wrong:
        word, message = wrong.args
        raise _refusal(name, _line_of_fault(text, word), message) from wrong


def _too_deep(text: str) -> int:
    """The line where JSON nests deeper than any document does, or 0."""
    depth = 0
    for token in _JSON_TOKEN.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth > DEEPEST:
            return text.count("\n", 0, token.start()) + 1
    return 0


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _JsonFaultError(json.dumps(key), f'the key "{key}" is given twice; keep one')
        found[key] = value
    return found


def _refuse_constant(word: str) -> float:
    raise _JsonFaultError(word, f"{word} is not a number here; write a finite one, or null")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise _JsonFaultError(word, f"{word[:40]} is too large a number; write a finite one")
    return number


def _sane_int(word: str) -> int:
    if len(word) > LONGEST_NUMBER:
        raise _JsonFaultError(word, f"{word[:12]}... is too large a number; write a shorter one")
    return int(word)


def _line_of_fault(text: str, word: str) -> int:
    """The line of a refused number, or of the second of two equal keys of one object."""
    keys: list[set[str]] = []
    for token in _JSON_TOKEN.finditer(text):
        found = token[0]
        if found in ("{", "["):
            keys.append(set())
        elif found in ("}", "]"):
            keys.pop()
        elif _is_fault(text, token, word, keys):
            return text.count("\n", 0, token.start()) + 1
    return 1


def _is_fault(text: str, token: re.Match[str], word: str, keys: list[set[str]]) -> bool:
    found = token[0]
    if not found.startswith('"'):
        return found == word
    if not re.match(r"\s*:", text[token.end() : token.end() + 80]):
        return False
    key = json.dumps(json.loads(found, strict=False))
    again = key in keys[-1]
    keys[-1].add(key)
    return again and key == word


@dataclass(slots=True)
class _Open:
    """A mapping or list being filled."""

    values: dict[str, Any] | list[Any]
    key: str = ""
    waiting: bool = False  # a key was read, its value not yet


def _yaml(text: str, name: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > LARGEST_YAML:
        raise _refusal(name, None, "YAML of more than 4 MB; write it as JSON")
    try:
        return _built(YAML(typ="safe", pure=True).parse(text), name)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = mark.line + 1 if mark else None
        message = f"not valid YAML ({wrong.problem}); check indents and quotes"
        raise _refusal(name, line, message) from wrong
    except (YAMLError, ValueError, RecursionError) as wrong:
        brief = " ".join(str(wrong).split())[:120]
        raise _refusal(name, None, f"not valid YAML ({brief}); correct it") from wrong


def _built(events: Iterator[Any], name: str) -> Any:
    """The document the parser's events describe, built without recursion."""
    opened: list[_Open] = []
    result: list[Any] = []
    for event in events:
        kind, line = type(event).__name__, event.start_mark.line + 1
        _refuse_extras(event, kind, line, name)
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            if len(opened) >= DEEPEST:
                raise _refusal(name, line, f"more than {DEEPEST} levels of nesting; flatten it")
            opened.append(_Open({} if kind == "MappingStartEvent" else []))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            finished = opened.pop().values
            _put(opened, result, finished, line, name)
        elif kind == "ScalarEvent":
            _put(opened, result, _scalar(event, line, name), line, name)
        elif kind == "DocumentStartEvent" and result:
            raise _refusal(name, line, "a second document begins; keep one per file")
    return result[0] if result else None


def _refuse_extras(event: Any, kind: str, line: int, name: str) -> None:
    if kind == "AliasEvent" or getattr(event, "anchor", None):
        message = "anchors and aliases (& and *) are not read; write the value out"
        raise _refusal(name, line, message)
    if kind.endswith("StartEvent") and kind[:3] in ("Map", "Seq") and not event.implicit:
        raise _refusal(name, line, f"the tag {event.tag} is not read; leave it out")
    if kind == "ScalarEvent" and not any(event.implicit):
        raise _refusal(name, line, f"the tag {event.tag} is not read; leave it out")


def _put(opened: list[_Open], result: list[Any], value: Any, line: int, name: str) -> None:
    """A finished value into what is open: as a list's item, a key, or a key's value."""
    if not opened:
        result.append(value)
        return
    top = opened[-1]
    if isinstance(top.values, list):
        top.values.append(value)
    elif top.waiting:
        top.values[top.key] = value
        top.waiting = False
    else:
        top.key, top.waiting = _key(value, top.values, line, name), True


def _key(value: Any, known: dict[str, Any], line: int, name: str) -> str:
    if isinstance(value, dict | list) or value is None:
        raise _refusal(name, line, "a key must be a word; put it in quotes")
    key = value if isinstance(value, str) else json.dumps(value)
    if key in known:
        raise _refusal(name, line, f'the key "{key}" is given twice; keep one')
    if key == "<<":
        raise _refusal(name, line, "merge keys (<<) are not read; write the keys out")
    return key


def _scalar(event: Any, line: int, name: str) -> Any:
    """A plain scalar by the core schema; a quoted one is text."""
    text = str(event.value)
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        message = f"{text} is not a finite number; write one, or leave the key out"
        raise _refusal(name, line, message)
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            return _integer(text, base, line, name)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise _refusal(name, line, f"{text[:40]} is too large a number; write a finite one")
        return number
    return text


def _integer(text: str, base: int, line: int, name: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise _refusal(name, line, f"{text[:12]}... is too large a number; write a shorter one")
    return int(text if base == 10 else text[2:], base)
