"""The reader's language: words from gettext catalogues, numbers and dates as Babel has them."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_decimal
from markupsafe import Markup

LANGUAGES = {"en": "English", "ru": "Русский", "zh": "中文"}
CATALOGUES = Path(__file__).parents[1] / "locale"
NOTHING = "–"  # where there is no figure
SPACES = re.compile(r"\s")
GROUPED = {mark: re.compile(rf"[+-]?\d{{1,3}}(\{mark}\d{{3}})+") for mark in ",."}


@dataclass(frozen=True, slots=True)
class Language:
    """One reader's language."""

    code: str

    @property
    def locale(self) -> Locale:
        """As Babel knows it."""
        return Locale.parse(self.code)

    @property
    def words(self) -> NullTranslations:
        """The page's own words in it."""
        return _catalogue(self.code)

    def number(self, value: float | None, digits: int = 0, *, signed: bool = False) -> str:
        """A number with so many decimals.

        Examples
        --------
        >>> Language("ru").number(-1234.5, 1), Language("en").number(3, signed=True)
        ('−1\\xa0234,5', '+3')
        """
        if value is None:
            return NOTHING
        rounded = round(value, digits) + 0.0
        pattern = "#,##0" + (f".{'0' * digits}" if digits else "")
        text = format_decimal(abs(rounded), pattern, self.locale)
        return _sign(rounded, signed) + text

    def percent(self, value: float | None, digits: int = 0, *, signed: bool = False) -> str:
        """A fraction as per cent.

        Examples
        --------
        >>> Language("en").percent(0.256, signed=True), Language("ru").percent(0.256)
        ('+26%', '26\\xa0%')
        """
        if value is None:
            return NOTHING
        return self.number(100 * value, digits, signed=signed) + {"ru": "\xa0%"}.get(self.code, "%")

    def compact(self, value: float | None, *, signed: bool = False) -> str:
        """A large number in a few characters.

        Examples
        --------
        >>> [Language(code).compact(6_506_603) for code in LANGUAGES]
        ['6.51M', '6,51\\xa0млн', '651万']
        """
        if value is None:
            return NOTHING
        size = abs(value)
        if size < 1000:
            return self.number(value, 0 if size >= 100 or size == int(size) else 1, signed=signed)
        base = 10_000 if self.code == "zh" else 1000
        lead = size
        while lead >= base:
            lead /= base
        digits = 2 if lead < 10 else 1 if lead < 100 else 0
        text = format_compact_decimal(size, locale=self.locale, fraction_digits=digits)
        return _sign(value, signed) + text

    def typed(self, value: float | None) -> str:
        """A number as a reader would type it into a field: no digit lost, no zeros added."""
        if value is None:
            return ""
        text = format_decimal(value, "#,##0.##########", self.locale)
        return text.replace("-", "−")

    def read(self, text: str) -> float:
        """The number somebody typed, in the reader's own form or in the plain one.

        Raises
        ------
        ValueError
            It is no number, or could be two.

        Examples
        --------
        >>> Language("en").read("1,500,000.5"), Language("ru").read("1 500 000,5")
        (1500000.5, 1500000.5)
        >>> Language("ru").read("1500000.5"), Language("zh").read("−20")
        (1500000.5, -20.0)
        """
        plain = SPACES.sub("", text).replace("−", "-").replace("’", "").replace("'", "")
        point, grouping = (",", ".") if self.code == "ru" else (".", ",")
        if point == "," and plain.count(".") == 1 and "," not in plain:
            return _finite(plain)
        whole, _, rest = plain.partition(point)
        if grouping in rest or (grouping in whole and not GROUPED[grouping].fullmatch(whole)):
            raise ValueError(text)
        return _finite(
            f"{whole.replace(grouping, '')}.{rest}" if rest else whole.replace(grouping, "")
        )

    def date(self, value: str | dt.date | None) -> str:
        """A day."""
        if value is None:
            return NOTHING
        day = dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return format_date(day, "medium", self.locale)

    def moment(self, value: str | None) -> str:
        """A time the service noted (RFC 3339, UTC); scripts turn it into the reader's own.

        Examples
        --------
        >>> print(Language("en").moment("2026-11-27T18:28:21.000Z").replace("\u202f", " "))
        <time datetime="2026-11-27T18:28:21.000Z">Nov 27, 2026, 6:28 PM UTC</time>
        """
        if value is None:
            return NOTHING
        at = dt.datetime.fromisoformat(value)
        day, time = (
            format_date(at, "medium", self.locale),
            format_time(at, "short", locale=self.locale),
        )
        return Markup('<time datetime="{}">{}, {} UTC</time>').format(value, day, time)

    def sentence(self, text: str | None) -> str:
        """A sentence of the core in this language."""
        from api.page.words.sentences import translated

        return translated(text or "", self.code)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _sign(value: float, signed: bool) -> str:
    if value < 0:
        return "−"
    return "+" if signed and value > 0 else ""


def wanted(stated: str | None, accepted: str) -> Language:
    """The language a reader stated, else the first of Accept-Language that there is.

    Examples
    --------
    >>> wanted(None, "de, ru;q=0.9, en;q=0.5").code, wanted("zh", "ru").code
    ('ru', 'zh')
    """
    if stated in LANGUAGES:
        return Language(str(stated))
    named = [part.split(";")[0].strip() for part in accepted.split(",")]
    short = [name.split("-")[0].lower() for name in named if name]
    return Language(negotiate_locale(short, list(LANGUAGES)) or "en")


@cache
def _catalogue(code: str) -> NullTranslations:
    """The page's catalogue, compiled in memory; English needs none."""
    path = CATALOGUES / code / "LC_MESSAGES" / "page.po"
    if code == "en" or not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
