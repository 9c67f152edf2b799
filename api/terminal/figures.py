"""Numbers as a planner reads them: money exact, doubtful figures to three digits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NONE = "–"
MINUS = "−"
STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
EXACT_BELOW = 1e9  # larger sums are shown in thousands or millions
CENTS_BELOW = 1e4  # larger sums are shown without cents


@dataclass(frozen=True)
class Scale:
    """How one table shows its money: divided by what, to how many decimals."""

    divisor: float
    decimals: int
    unit: str

    @classmethod
    def of(cls, amounts: Iterable[float], currency: str | None) -> Scale:
        """The scale that shows the largest of the amounts in at most a dozen characters."""
        largest, name = max((abs(amount) for amount in amounts), default=0.0), currency or ""
        if largest < EXACT_BELOW:
            return cls(1.0, 2 if largest < CENTS_BELOW else 0, name)
        if largest < 1e3 * EXACT_BELOW:
            return cls(1e3, 0, f"thousand {name}".strip())
        return cls(1e6, 0, f"million {name}".strip())

    def __call__(self, amount: float) -> str:
        return _signed(f"{amount / self.divisor:,.{self.decimals}f}")


def compact(value: float | None) -> str:
    """Three digits and a letter.

    Examples
    --------
    >>> compact(1_240_000.0), compact(-98.26), compact(0.01234), compact(None)
    ('1.24M', '−98.3', '0.0123', '–')
    """
    if value is None:
        return NONE
    for size, letter in STEPS:
        if abs(value) >= 0.9995 * size:
            return _signed(f"{_three_digits(value / size)}{letter}")
    return _signed(_three_digits(value))


def span(low: float | None, high: float | None) -> str:
    """An interval's two ends; the letter once where both share it.

    Examples
    --------
    >>> span(98_000.0, 152_400.0), span(0.98e6, 1.2e6), span(-98.0, 4.0), span(None, None)
    ('98.0–152k', '980k–1.20M', '−98.0 to 4.00', '–')
    """
    if low is None or high is None or low == high:
        return NONE
    one, other = compact(low), compact(high)
    if low < 0.0:
        return f"{one} to {other}"
    if one[-1] == other[-1] and one[-1].isalpha():
        one = one[:-1]
    return f"{one}–{other}"


def percent(change: float | None) -> str:
    """A relative change.

    Examples
    --------
    >>> percent(0.124), percent(-0.5), percent(0.00001), percent(31.0), percent(None)
    ('+12 %', '−50 %', '0 %', '×32', 'new')
    """
    if change is None:
        return "new"
    if change > 9.995:
        return f"×{change + 1.0:,.0f}"
    whole = round(100.0 * change)
    return "0 %" if whole == 0 else _signed(f"{whole:+d} %")


def ratio(value: float | None) -> str:
    """A ROMI or the like.

    Examples
    --------
    >>> ratio(0.3141), ratio(-0.002), ratio(12.34), ratio(4321.0)
    ('0.31', '0.00', '12.3', '4.32k')
    """
    if value is None:
        return NONE
    if abs(value) >= 9.995:
        return compact(value)
    text = f"{value:.2f}"
    return "0.00" if float(text) == 0.0 else _signed(text)


def listed(names: Iterable[str]) -> str:
    """Names in a sentence.

    Examples
    --------
    >>> listed(["tv", "search", "print"])
    'tv, search and print'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def in_words(key: str) -> str:
    """A key as a sentence says it.

    Examples
    --------
    >>> in_words("customer_value"), in_words("romi")
    ('customer value', 'ROMI')
    """
    return "ROMI" if key == "romi" else key.replace("_", " ")


def _three_digits(value: float) -> str:
    if value == 0.0:
        return "0"
    for decimals, least in ((0, 99.95), (1, 9.995), (2, 0.9995)):
        if abs(value) >= least:
            return f"{value:,.{decimals}f}"
    return f"{value:.3g}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
