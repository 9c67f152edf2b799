"""The core's English sentences in the reader's language.

The core speaks English and knows of no other language. A finished sentence is recognised by the
template it was made from, and its translation filled in the same way; what fills a placeholder is
looked at likewise, for it may be a sentence, a phrase or a list of them. What no template knows
stays as it is: names, keys, text in quotation marks, sentences of other origin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

from api.page.words.sentence_templates import (
    BOUNDARY,
    JOINTS,
    LAST,
    MOST_TOGETHER,
    QUOTED,
    WORD,
    Template,
    is_joint,
    is_name,
    letters_left,
    masked,
    split,
    ways_apart,
    without_stop,
)

LOCALE = Path(__file__).parents[1] / "locale"
STOPS = {"ru": ".", "zh": "。"}
PERCENT = {"ru": "\u00a0%", "zh": "%"}
DEEPEST = 12  # templates within templates
LONGEST = 4000  # signs of a line; no sentence of ours is as long
LONGEST_PHRASE = 200  # signs of what a template of few words may be found in
REMEMBERED = 2**12  # texts
LINE = "\n  "  # ahead of each of several findings or faults
LISTS = (" or ", ", and ")
SEVERAL = re.compile(rf"{BOUNDARY.pattern}|; ")  # sentences, or parts of one
CHOICES = re.compile(rf"{SEVERAL.pattern}| or |, and ")  # or ways out, one beside another
BRACKETS = re.compile(r"(?:(.+?) )?\((.+)\)")
NUMBER = re.compile(
    rf"{QUOTED}|(?<![\w.,/:])(?<!\d-)(?P<whole>\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.(?P<part>\d+))?"
    r"(?!\w|[.,:/\-]\d)(?P<percent> ?%)?"
)

Fit = tuple[Template, Mapping[str, str]]  # and what its placeholders hold


def translated(text: str, language: str) -> str:
    """A text of the core in a language; English is given back.

    Parameters
    ----------
    text : str
    language : "en", "ru" or "zh"

    Examples
    --------
    >>> translated("tv has no spend at all; it was left out.", "ru")
    'tv: расходов нет вовсе; канал исключён.'
    >>> translated("Nobody said this.", "zh")
    'Nobody said this.'
    """
    return text if language not in STOPS else _catalogue(language).translated(text)


@cache
def _catalogue(language: str) -> Catalogue:
    with (LOCALE / language / "LC_MESSAGES" / "core.po").open("rb") as file:
        entries = read_po(file, locale=language)
    known = {str(one.id): str(one.string) for one in entries if one.id and one.string}
    return Catalogue(language, known)


class Catalogue:
    """The templates of one language, each found by its rarest word."""

    def __init__(self, language: str, known: Mapping[str, str]) -> None:
        self.language = language
        self.words = {english: told for english, told in known.items() if english.isalpha()}
        self.brackets = known.get("{0} ({1})", "{0} ({1})")
        self.joints = {joint: joint for joint in JOINTS}
        made = []
        for english, told in known.items():
            if is_joint(english):
                self.joints[english[3:-3]] = told[3:-3]
            elif english not in self.words:
                made.append(Template.of(english, told))
        self._by_word = _by_rarest_word(made)
        self.found = lru_cache(maxsize=REMEMBERED)(self._found)
        self._fits = lru_cache(maxsize=REMEMBERED)(self._all_fits)

    def translated(self, text: str) -> str:
        """A text, line by line."""
        if text in self.words:
            return self.words[text]
        told = LINE.join(self.found(line) or line for line in text.split(LINE))
        return re.sub(r" *([，。；：、？！（）]) *", r"\1", told) if self.language == "zh" else told

    def _found(self, text: str, depth: int = 0, *, strictly: bool = False) -> str | None:
        """The translation of a text; None where no template knows any of it.

        Strictly: where no template knows all of it.
        """
        if depth > DEEPEST or not 1 < len(text) <= LONGEST:
            return None
        body, stop = without_stop(text)
        is_phrase = not stop and len(body) <= LONGEST_PHRASE
        fits = self._fits(body)
        sure = [fit for fit in fits if fit[0].is_sure]
        told = (
            self._sentence(body, depth)
            or self._made(body, [fit for fit in fits if fit[0].is_opener], depth)
            or self._sentences(body, depth)
            or self._joined(body, depth, JOINTS[:2])
            or self._made(body, sure, depth)
            or self._joined(body, depth, JOINTS[2:])
            or self._made(body, [] if strictly else sure, depth, strictly=False)
            or self._made(body, fits if is_phrase else [], depth, without=SEVERAL)
        )
        return told and self._ended(told, stop)

    def _all_fits(self, text: str) -> list[Fit]:
        """Templates a text can be made from, the most specific first, and what they then hold."""
        words = set(WORD.findall(text.lower()))
        found = [pair for word in words for pair in self._by_word.get(word, ())]
        held = ((one, one.held(text)) for _, one in sorted(found, key=lambda pair: pair[0]))
        return [(one, parts) for one, parts in held if parts is not None]

    def _ended(self, told: str, stop: str) -> str:
        return told + STOPS[self.language] if stop and not told.endswith(".") else told

    def _sentence(self, text: str, depth: int) -> str | None:
        """One sentence: by a template that is sure of it, or as several ways out."""
        sure = self._surely(text)
        tails = [fit for fit in sure if fit[0].is_tail]
        return (
            self._made(text, [fit for fit in sure if fit[0].closes], depth, without=CHOICES)
            or self._made(text, tails, depth, without=BOUNDARY)
            or self._made(text, sure, depth, without=CHOICES)
            or self._listed(text, depth)
            or self._made(text, sure, depth, without=SEVERAL)
        )

    def _surely(self, text: str) -> list[Fit]:
        return [fit for fit in self._fits(text) if fit[0].is_sure]

    def _made(
        self,
        text: str,
        fits: Sequence[Fit],
        depth: int,
        *,
        without: re.Pattern[str] | None = None,
        strictly: bool = True,
    ) -> str | None:
        """A text by the first template that fits and whose placeholders hold no such thing."""
        for template, held in fits:
            if without is None or not _hold(template, held, without):
                told = self._filled(template, held, depth, strictly=strictly)
                if told:
                    begins = bool(template.pieces[0] and template.told[0])
                    return told[:1].upper() + told[1:] if begins and text[0].isupper() else told
        return None

    def _filled(
        self, template: Template, held: Mapping[str, str], depth: int, *, strictly: bool
    ) -> str | None:
        """A translation with its placeholders filled; strictly: none of them by unknown prose."""
        parts = list(template.told)
        for number in range(1, len(parts), 2):
            place = parts[number]
            text = held[place]
            if place in template.verbatim:
                parts[number] = text
                continue
            told = self._known(text, depth, strictly=strictly)
            if told is None and not place.isdigit():
                told = self.words.get(text)
            if told is None and strictly and not is_name(text):
                return None
            parts[number] = told or self._numbers(text)
        return "".join(parts)

    def _known(self, text: str, depth: int, *, strictly: bool = False) -> str | None:
        """What a placeholder holds, where a template knows it."""
        told = self.found(text, depth + 1, strictly=strictly)
        if told is None and text.startswith(" "):
            told = self.found(text.strip(), depth + 1, strictly=strictly)
            told = told and f" {told}"
        return told

    def _sentences(self, text: str, depth: int) -> str | None:
        """Several sentences one after another, each as it is known."""
        left = BOUNDARY.split(text)
        if len(left) == 1:
            return None
        told, is_known = "", False
        while left:
            count, one = self._head(left, depth)
            is_known = is_known or one is not None
            space = "" if not told or told.endswith(("。", "？", "！")) else " "
            told += space + (one or left[0])
            left = left[count:]
        return told if is_known else None

    def _head(self, sentences: Sequence[str], depth: int) -> tuple[int, str | None]:
        """How many of some sentences one template knows, and its translation."""
        count = min(len(sentences), MOST_TOGETHER)
        heads = [without_stop(" ".join(sentences[: n + 1])) for n in range(count)]
        for number, (head, stop) in enumerate(heads, start=1):
            if told := self._sentence(head, depth):
                return number, self._ended(told, stop)
        place, _, said = sentences[0].partition(": ")  # it may begin with the place of a fault
        for number, (head, stop) in enumerate(heads, start=1) if said else ():
            if told := self._sentence(head[len(place) + 2 :], depth):
                where = self._known(place, depth) or self._numbers(place)
                return number, where + self.joints[": "] + self._ended(told, stop)
        for number, (head, stop) in enumerate(heads, start=1):
            if told := self._made(head, self._surely(head), depth):
                return number, self._ended(told, stop)
        return 1, self.found(sentences[0], depth + 1)

    def _listed(self, text: str, depth: int) -> str | None:
        """Ways out one beside another, where all of them are known."""
        joint = next((one for one in LISTS if one in masked(text)), None)
        if joint is None:
            return None
        told = [
            self._made(part, self._surely(part), depth + 1, without=SEVERAL) or ""
            for part in split(text, joint)
        ]
        return self.joints[joint].join(told) if all(told) else None

    def _joined(self, text: str, depth: int, joints: Sequence[str]) -> str | None:
        """Phrases put together, each as it is known, taken apart so as to leave least English."""
        if text.endswith(")") and (bracketed := self._bracketed(text, depth)):
            return bracketed
        told = []
        for joint, apart in ways_apart(text, joints):
            parts = self._gathered(apart, depth) if joint == ", " else apart
            may_be_names = depth > 0 and joint in LAST[:2]
            each = self._each(parts, depth, may_be_names=may_be_names)
            told += [self.joints[joint].join(each)] if each else []
        return min(told, key=letters_left, default=None)

    def _gathered(self, parts: Sequence[str], depth: int) -> list[str]:
        """The parts of a list, those put together again that a comma in a name parted."""
        gathered = [parts[0]]
        for part in parts[1:]:
            whole = f"{gathered[-1]}, {part}"
            are_known = all(self.found(one, depth + 1) for one in (gathered[-1], part))
            if not are_known and self._made(whole, self._fits(whole), depth + 1, without=SEVERAL):
                gathered[-1] = whole
            else:
                gathered.append(part)
        return gathered

    def _bracketed(self, text: str, depth: int) -> str | None:
        """A phrase with another in brackets at its end."""
        found = BRACKETS.fullmatch(text)
        told = self._each([found[1] or "", found[2]], depth) if found else None
        return self.brackets.format(*told).strip() if told else None

    def _each(
        self, parts: Sequence[str], depth: int, *, may_be_names: bool = False
    ) -> list[str] | None:
        """Each part in the reader's language.

        None where one is unknown and no name, or where all are names that may be one.
        """
        told = [self._part(part, depth + 1) for part in parts]
        unknown = [part for part, one in zip(parts, told, strict=True) if one is None]
        if not all(map(is_name, unknown)) or (len(unknown) == len(parts) and not may_be_names):
            return None
        return [one or self._numbers(part) for part, one in zip(parts, told, strict=True)]

    def _part(self, text: str, depth: int) -> str | None:
        """A part of a text, a comma within a name being none between parts."""
        whole = self._made(text, self._fits(text), depth, without=SEVERAL) if ", " in text else None
        return whole or self.found(text, depth, strictly=True)

    def _numbers(self, text: str) -> str:
        """Numbers as the reader writes them; those in quotation marks are for typing, and stay."""
        return NUMBER.sub(self._number, text)

    def _number(self, found: re.Match[str]) -> str:
        if found["whole"] is None:
            return found[0]
        whole = found["whole"].replace(",", get_group_symbol(self.language))
        part = get_decimal_symbol(self.language) + found["part"] if found["part"] else ""
        return whole + part + (PERCENT[self.language] if found["percent"] else "")


def _by_rarest_word(templates: Iterable[Template]) -> dict[str, list[tuple[int, Template]]]:
    """Templates with their rank, by the word that fewest of them have."""
    made = sorted((one for one in templates if one.words), key=Template.rank)
    often = Counter(word for one in made for word in one.words)
    found: dict[str, list[tuple[int, Template]]] = {}
    for rank, one in enumerate(made):
        rarest = min(one.words, key=lambda word: (often[word], -len(word), word))
        found.setdefault(rarest, []).append((rank, one))
    return found


def _hold(template: Template, held: Mapping[str, str], what: re.Pattern[str]) -> bool:
    """Whether placeholders hold such a thing, or the place of a fault ahead of all."""
    shown = {place: masked(text) for place, text in held.items()}
    begins = any(": " in text for place, text in shown.items() if not template.follows(place))
    return begins or any(map(what.search, shown.values()))
