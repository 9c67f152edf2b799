"""A plan's recommendation in one sentence: what to do, what it gains, how sure that is.

Messages are marked by :func:`_` where they stand and translated where they are said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from babel.lists import format_list

from api.page.plans.moves import Moves, moves
from api.page.plans.pictures import worth_of
from api.page.words.language import Language

Plain = Mapping[str, Any]

NAMED = 3  # channels a sentence names before it counts the others
SURE, UNSURE = 0.995, 0.005  # probabilities are never rounded to certainty
OF_TOTAL = 1e-4  # a smaller change of the total is none


def _(message: str) -> str:
    """Mark a message for the catalogue."""
    return message


WHOLE = _("%(move)s: %(gain)s.")
WITHIN = _("%(move)s; another %(amount)s moves between markets within channels")
KEEP_BEST = _("Keep the current split: no other is clearly better within your limits.")
KEEP = _("Keep the current split: it is the best within your limits.")
SAME_SPLIT = _("This is the current split: it gains nothing and loses nothing.")
MOVE = _("Move %(amount)s from %(cuts)s to %(rises)s")
SPEND_MORE = _("Spend %(change)s more, %(total)s in all, on %(rises)s")
SPEND_MORE_AND_CUT = _(
    "Spend %(change)s more, %(total)s in all: give more to %(rises)s, less to %(cuts)s"
)
SPEND_LESS = _("Spend %(change)s less, %(total)s in all, by cutting %(cuts)s")
SPEND_LESS_AND_RAISE = _(
    "Spend %(change)s less, %(total)s in all: give less to %(cuts)s, more to %(rises)s"
)
LEAST = _("Spend %(total)s, the least that reaches the target; that is %(change)s less than now")
LEAST_ABOVE_NOW = _(
    "Spend %(total)s, the least that reaches the target; that is %(change)s more than now"
)
GIVEN = _("Against the current split this one earns %(gain)s.")
ROMI = _("a ROMI of %(romi)s in all, and %(gain)s")
GAINS = {
    "profit": _("about %(amount)s more profit"),
    "customer_value": _("about %(amount)s more customer value"),
    "revenue": _("about %(amount)s more revenue"),
    "customers": _("about %(amount)s more new customers"),
}
LOSSES = {
    "profit": _("about %(amount)s less profit"),
    "customer_value": _("about %(amount)s less customer value"),
    "revenue": _("about %(amount)s less revenue"),
    "customers": _("about %(amount)s fewer new customers"),
}
COST_OF_LIMITS = _("%(gain)s than now, which is what your limits cost")
DOUBTED = _("%(gain)s (%(low)s to %(high)s), %(sure)s")
UNDOUBTED = _("%(gain)s; how sure that is cannot be said, because the curves have no draws")
SURELY = _("over %(chance)s sure")
HARDLY = _("under %(chance)s sure")
SO_SURE = _("%(chance)s sure")


def advice(plan: Plain, language: Language) -> str:
    """The recommendation of a Plan document, in the reader's words."""
    return _Advice(plan, language).sentence()


def sureness(probability: float, language: Language) -> str:
    """A probability in words, never rounded to certainty.

    Examples
    --------
    >>> [sureness(chance, Language("en")) for chance in (0.97, 1.0, 0.001)]
    ['97% sure', 'over 99% sure', 'under 1% sure']
    """
    told = SURELY if probability > SURE else HARDLY if probability < UNSURE else SO_SURE
    shown = min(max(probability, 0.01), 0.99)
    return language.words.gettext(told) % {"chance": language.percent(shown)}


def named(names: Sequence[str], language: Language) -> str:
    """Names in a sentence, the first few of many.

    Examples
    --------
    >>> named(["tv", "search"], Language("en")), named(["a", "b", "c", "d", "e"], Language("en"))
    ('tv and search', 'a, b, c and 2 others')
    """
    shown, left = list(names), len(names) - NAMED
    if left > 1:
        said = language.words.ngettext("%(count)s other", "%(count)s others", left)
        shown = [*shown[:NAMED], said % {"count": language.number(left)}]
    return format_list(shown, locale="en_GB" if language.code == "en" else language.code)


@dataclass(frozen=True)
class _Advice:
    """One plan read for its recommendation."""

    plan: Plain
    language: Language

    def sentence(self) -> str:
        """What to do, what it gains, how sure."""
        is_given = self.plan["certificate"] is None
        if not self._moves.named:
            kept = any(one["code"] == "keep_current" for one in self.plan["warnings"])
            return self._say(SAME_SPLIT if is_given else KEEP_BEST if kept else KEEP)
        if is_given:
            return self._say(GIVEN, gain=self._doubted(self._gain()))
        return self._say(WHOLE, move=self._move(), gain=self._outcome())

    @cached_property
    def _moves(self) -> Moves:
        return moves(self.plan)

    def _move(self) -> str:
        """What to do with the money."""
        said, total = self._between(), self.plan["totals"]["spend"]
        if self._moves.within <= OF_TOTAL * total:
            return said
        return self._say(WITHIN, move=said, amount=self._money(self._moves.within))

    def _between(self) -> str:
        """What to do with the money of those that are named."""
        rises, cuts = self._moves.rises, self._moves.cuts
        total = self.plan["totals"]["spend"]
        change = total - sum(row["current_spend"] for row in self.plan["allocation"])
        words = {
            "amount": self._money(self._moves.raised),
            "total": self._money(total),
            "change": self._money(abs(change)),
            "rises": named(rises, self.language),
            "cuts": named(cuts, self.language),
        }
        is_resized = abs(change) > OF_TOTAL * total or not rises or not cuts
        if self.plan["objective"] == "least_spend" and is_resized:
            return self._say(LEAST if change < 0.0 else LEAST_ABOVE_NOW, **words)
        if not is_resized:
            return self._say(MOVE, **words)
        if change > 0.0:
            return self._say(SPEND_MORE_AND_CUT if cuts else SPEND_MORE, **words)
        return self._say(SPEND_LESS_AND_RAISE if rises else SPEND_LESS, **words)

    def _outcome(self) -> str:
        """What the move brings."""
        gain, objective = self._gain(), self.plan["objective"]
        if objective == "romi":
            romi = self.language.number(self.plan["totals"]["romi"]["mean"], 2)
            return self._say(ROMI, romi=romi, gain=self._doubted(gain))
        if self._is_loss and objective != "least_spend":
            gain = self._say(COST_OF_LIMITS, gain=gain)
        return self._doubted(gain)

    def _gain(self) -> str:
        """The size of the gain, or of the loss, and what it is counted in."""
        counted = worth_of(self.plan)
        size = abs(self.plan["totals"]["uplift"]["mean"] or 0.0)
        if counted == "revenue" and self.plan["counts"] == "customers":
            counted = "customers"
        amount = self.language.compact(size) if counted == "customers" else self._money(size)
        return self._say((LOSSES if self._is_loss else GAINS)[counted], amount=amount)

    @property
    def _is_loss(self) -> bool:
        return (self.plan["totals"]["uplift"]["mean"] or 0.0) < 0.0

    def _doubted(self, gain: str) -> str:
        """A gain with its interval and how sure its sign is."""
        uplift = self.plan["totals"]["uplift"]
        low, high, chance = uplift["p05"], uplift["p95"], uplift["probability_positive"]
        if low is None or high is None or chance is None:
            return self._say(UNDOUBTED, gain=gain)
        if self._is_loss:
            low, high, chance = -high, -low, 1.0 - chance
        low, high = self.language.compact(low), self.language.compact(high)
        return self._say(
            DOUBTED, gain=gain, low=low, high=high, sure=sureness(chance, self.language)
        )

    def _money(self, amount: float) -> str:
        said = self.language.compact(amount)
        return f"{said}\xa0{self.plan['currency']}" if self.plan["currency"] else said

    def _say(self, message: str, **words: str) -> str:
        return self.language.words.gettext(message) % words
