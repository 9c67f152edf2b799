"""What a fit takes for granted: the family of the curves, the carryover, the baseline, the drift.

One structure serves all channels of a fit, and channels do not act on each other: revenue is the
sum of what each earns. The default, Hill curves with geometric carryover over a trend and waves of
the year, is what the rest was measured with; anything else is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from optimizer.errors import DocumentError, Fault
from optimizer.history import Layout

CurveFamily = Literal["hill", "exponential", "logistic", "log", "power"]
CarryoverForm = Literal["geometric", "peaked"]
Baseline = Literal["trend", "smooth"]

CURVES: tuple[CurveFamily, ...] = get_args(CurveFamily)
CARRYOVERS: tuple[CarryoverForm, ...] = get_args(CarryoverForm)

#: Drift beyond this much per root week leaves nothing of what was learned a year ago.
LARGEST_DRIFT = 0.1


@dataclass(frozen=True, slots=True)
class Structure:
    """The form of a model whose parameters are then estimated."""

    curve: CurveFamily = "hill"
    carryover: CarryoverForm = "geometric"
    baseline: Baseline = "trend"
    drift: float = 0.0  # sd of the log of effectiveness that a week adds, times root weeks

    def parameters(self, layout: Layout) -> tuple[str, ...]:
        """What is believed and learned about a channel, ``roas`` first."""
        own: tuple[str, ...] = {
            "hill": ("half_saturation", "slope"),
            "power": ("exponent",),
        }.get(self.curve, ("half_saturation",))
        if layout == "attributed":
            return ("roas", *own)
        delayed = ("delay",) if self.carryover == "peaked" else ()
        return ("roas", *own, "retention", *delayed)

    def coordinates(self, layout: Layout) -> tuple[str, ...]:
        """The fitted coordinates of a channel: always three of the curve, then the carryover's.

        Families of two parameters do not read the third: it is held at its place.
        """
        bend = "exponent" if self.curve == "power" else "half_saturation"
        last = "slope" if self.curve == "hill" else "unread"
        return ("roas", bend, last, *(self.parameters(layout)[len(self._own) :]))

    @property
    def unusual(self) -> tuple[str, ...]:
        """Its keys that are not the default's."""
        names = (field.name for field in fields(self))
        return tuple(name for name in names if getattr(self, name) != getattr(USUAL, name))

    @property
    def in_words(self) -> str:
        """What is unusual about it.

        Examples
        --------
        >>> Structure(curve="log", carryover="peaked").in_words
        'curves of the family log and carryover that peaks after a delay'
        """
        words = {
            "curve": f"curves of the family {self.curve}",
            "carryover": "carryover that peaks after a delay",
            "baseline": "a smooth course of the baseline beside trend and seasons",
            "drift": f"effectiveness that drifts by {self.drift:g} per root week: the curves are "
            "today's",
        }
        return " and ".join(words[name] for name in self.unusual)

    @property
    def _own(self) -> tuple[str, ...]:
        return self.parameters("attributed")


#: What the rest was measured with.
USUAL = Structure()


def refuse_structure(structure: Structure, layout: Layout, n_markets: int) -> None:
    """Refuse what a layout has no use for.

    Raises
    ------
    DocumentError
    """
    faults = []
    if layout == "attributed":
        if structure.carryover != "geometric":
            faults.append(Fault("/carryover", _NOT_ATTRIBUTED.format("carryover")))
        if structure.baseline != "trend":
            faults.append(Fault("/baseline", _NOT_ATTRIBUTED.format("baseline")))
        if structure.drift:
            faults.append(Fault("/drift", "is of aggregate histories; take the key out"))
    elif n_markets > 1:
        one_market = {"baseline", "drift"} & set(structure.unusual)
        faults += [Fault(f"/{name}", _NOT_PANEL) for name in sorted(one_market)]
    if not 0.0 <= structure.drift <= LARGEST_DRIFT:
        text = f"is {structure.drift:g} per root week; give 0 to {LARGEST_DRIFT:g}, such as 0.01"
        faults.append(Fault("/drift", text))
    if faults:
        raise DocumentError("fit's options", tuple(faults))


_NOT_PANEL = "is of histories of one market; take it out, or fit the total over the markets"
_NOT_ATTRIBUTED = "curves of attributed revenue have no {}; take the key out"
