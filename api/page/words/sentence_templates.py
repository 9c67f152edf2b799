"""Templates of English sentences, and the ways a text can be taken apart.

A template's placeholders are numbered, or have a name where they hold one of our own words, a
number and nothing else, or a name the reader gave, which stays as it is. They are found piece by
piece from the left, so that no text takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SURE = 9  # signs of its own that make a template unlikely to fit by chance
LONGEST_NAME = 3  # words
MOST_TOGETHER = 4  # sentences, or parts of one, that one template may hold
#: How phrases are put together, in the order they are taken apart; the first two one at a time.
JOINTS = (": ", "; ", ", or ", ", and ", " or ", " and no ", " and ", ", ")
NUMBER = "number"  # the placeholder that holds one
OWN_NAMES = ("channel", "label", "market")  # placeholders for names the reader gave
LAST = (" and ", " or ", ", ", " ")  # ahead of the last of a list; names may hold such a thing
WORD = re.compile(r"[a-z]{2,}")
#: Between two sentences; three dots end one only where the next begins with a capital letter.
BOUNDARY = re.compile(r"(?<=[^.][.?!]) +(?=\S)|(?<=[.]{3}) +(?=[A-Z][a-z]+ )")
QUOTED = r"\"[^\"]*\"|(?<!\w)'[^']*'|`[^`]*`"
_MASKED = re.compile(rf"{QUOTED}|\([^()]*\)")
_PLACE = re.compile(r"\{(\w+)\}")
_QUOTATION = re.compile(r"\"[^\"]*\"|`[^`]*`|«[^»]*»|“[^”]*”")


@dataclass(frozen=True, slots=True)
class Template:
    """An English sentence with placeholders, and its translation."""

    pieces: tuple[str, ...]  # of the English, around the placeholders
    places: tuple[str, ...]  # the placeholders: numbers, or names of those that hold a word of ours
    least: tuple[int, ...]  # signs each placeholder holds at least
    told: tuple[str, ...]  # the translation: text and placeholders by turns
    verbatim: frozenset[str]  # placeholders of names, or in quotation marks: kept as they are
    size: int  # signs of the English itself

    @classmethod
    def of(cls, english: str, told: str) -> Template:
        """From a catalogue's entry."""
        parts = _PLACE.split(english)
        pieces = (begun(parts[0]), *parts[2::2])
        kept = [place for place in parts[1::2] if place.rstrip("0123456789") in OWN_NAMES]
        quoted = _PLACE.findall(" ".join(_QUOTATION.findall(english + told)))
        return cls(
            pieces=pieces,
            places=tuple(parts[1::2]),
            least=tuple(_least(pieces, place) for place in range(len(pieces) - 1)),
            told=tuple(_PLACE.split(told)),
            verbatim=frozenset((*kept, *quoted)),
            size=sum(not sign.isspace() for piece in pieces for sign in piece),
        )

    @property
    def is_tail(self) -> bool:
        """Whether it is a remark in brackets after anything."""
        return not self.pieces[0] and self.pieces[1].startswith(" (")

    @property
    def closes(self) -> bool:
        """Whether it ends with a remark in brackets."""
        return self.pieces[-1].endswith(")")

    @property
    def is_opener(self) -> bool:
        """Whether it announces what follows."""
        return any(piece.endswith(": ") for piece in self.pieces[:-1])

    @property
    def is_sure(self) -> bool:
        """Whether it is unlikely to fit by chance."""
        quotes = any(piece.endswith('"') for piece in self.pieces[:-1])
        return self.size >= SURE or self.is_tail or self.is_opener or quotes

    @property
    def words(self) -> set[str]:
        """The words, whole, of every text made from it."""
        text = "\0".join(self.pieces).lower()
        return set(re.findall(r"(?<![a-z\0])[a-z]{2,}(?![a-z\0])", text))

    def rank(self) -> tuple[int, int, tuple[str, ...]]:
        """The more of its own text, and the less kept, the sooner it is tried."""
        return -self.size, len(self.verbatim), self.pieces

    def held(self, text: str) -> dict[str, str] | None:
        """What the placeholders hold in a text; None where it was not made from this."""
        first, last = self.pieces[0], self.pieces[-1]
        if not self.places:
            return {} if begun(text) == first else None
        if not (begun(text).startswith(first) and text.endswith(last)):
            return None
        inside = text[len(first) : len(text) - len(last)] if len(first + last) <= len(text) else ""
        found = self._taken(inside, LAST) or self._taken(inside, LAST[:2])
        held = dict(zip(self.places, found or (), strict=False))
        return held if found and held.get(NUMBER, "0")[:1].isdigit() else None

    def _taken(self, text: str, last: Sequence[str]) -> list[str] | None:
        """What stands between the pieces, some of which are looked for from the end."""
        found: list[str] = []
        at = 0
        for least, piece in zip(self.least, self.pieces[1:-1], strict=False):
            is_last = piece in last or (self.is_tail and not found)
            place = (text.rfind if is_last else text.find)(piece, at + least)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(piece)
        return [*found, text[at:]] if len(text) - at >= self.least[-1] else None

    def follows(self, place: str) -> bool:
        """Whether something stands ahead of a placeholder."""
        return bool(self.pieces[0]) or place != self.places[0] or self.is_tail


def begun(text: str) -> str:
    """A text with a small first letter: a sentence may begin with what another goes on with."""
    return text[:1].lower() + text[1:] if text[:1].isascii() else text


def _least(pieces: Sequence[str], place: int) -> int:
    """0 for a placeholder that may be empty: after a word without a space, or before a tail."""
    glued = pieces[place][-1:].isalpha()
    is_before_a_tail = place == 0 and not pieces[0] and pieces[1][:1] not in tuple(":;,.")
    return 0 if glued or is_before_a_tail else 1


def is_joint(english: str) -> bool:
    """Whether a catalogue's entry says how phrases are put together."""
    return english in {f"{{0}}{joint}{{1}}" for joint in JOINTS}


def is_name(text: str) -> bool:
    """Whether a text no template knows is short enough for a name, a number or a list of them."""
    return all(part.count(" ") < LONGEST_NAME for part in text.split(", "))


def without_stop(text: str) -> tuple[str, str]:
    """A text and the stop at its end, which is part of no template."""
    is_stopped = text.endswith(".") and not text.endswith("..")
    return (text[:-1], ".") if is_stopped else (text, "")


def masked(text: str) -> str:
    """A text with all in quotation marks and brackets blotted out."""
    return _MASKED.sub(lambda found: "\0" * len(found[0]), text)


def letters_left(text: str) -> int:
    """How many letters of English words a text has, those in quotation marks apart."""
    return sum(map(len, WORD.findall(masked(text))))


def ways_apart(text: str, joints: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The ways to take a text apart: joints with the parts they leave.

    At every place of the first joint there is; but of those that part a sentence at one place of
    each, since a part may hold others.
    """
    mask = masked(text)
    for joint in (one for one in joints if one in mask):
        parts = split(text, joint)
        if joint not in JOINTS[:2]:
            yield joint, parts
            return
        for count in range(1, len(parts) if len(parts) <= MOST_TOGETHER else 2):
            yield joint, [joint.join(parts[:count]), joint.join(parts[count:])]


def split(text: str, joint: str) -> list[str]:
    """A text in parts at every joint outside quotation marks and brackets.

    Examples
    --------
    >>> split('raise "a or b" by 1 or lower it', " or ")
    ['raise "a or b" by 1', 'lower it']
    """
    mask, parts, at = masked(text), [], 0
    while (place := mask.find(joint, at)) >= 0:
        parts.append(text[at:place])
        at = place + len(joint)
    return [*parts, text[at:]]
