"""The Experiments document: which lift test next, what it teaches, what it costs."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from optimizer.documents import Document, WholeDocument, parse

MOST_NAMED = 3  # markets named in a sentence


class ProposedTest(Document):
    """One lift test: what to do, how well it would show, and what that is worth."""

    channel: str
    markets: tuple[str, ...] = Field(
        default=(), description="where the spend moves, all else as planned; none: everywhere"
    )
    multiple: float = Field(description="of the planned spend: 0 switches the channel off there")
    spend_control: float = Field(description="currency per period, as planned")
    spend_test: float = Field(description="currency per period, during the test")
    n_periods: int = Field(description="length, in the model's periods")
    expected_lift: float = Field(
        description="currency per period, revenue at steady spend, test minus control"
    )
    lift_sd: float = Field(description="doubt about it today, currency per period")
    standard_error: float = Field(description="of the lift as the test would measure it, alike")
    learned: float = Field(description="share of that doubt's variance the test takes away")
    uplift_sd_before: float = Field(
        description="doubt about the plan's uplift, currency, whole plan; after earlier proposals"
    )
    uplift_sd_after: float = Field(description="the same once this test is known")
    gain_per_period: float = Field(
        description="what better plans earn through it, currency of the objective per period"
    )
    value: float = Field(description="that gain over the periods left after the test, currency")
    cost: float = Field(
        description="what straying from the plan during the test forgoes, currency of the objective"
    )
    pays: bool = Field(description="whether its value exceeds its cost")
    statement: str

    @property
    def net(self) -> float:
        """Value less cost."""
        return self.value - self.cost

    @property
    def name(self) -> str:
        """Channel and markets in words; many markets are counted."""
        if not self.markets:
            return self.channel
        if len(self.markets) > MOST_NAMED:
            return f"{self.channel} in {len(self.markets)} markets"
        return f"{self.channel} in {' and '.join(self.markets)}"


class Experiments(WholeDocument):
    """Which tests to run next, for one model and one scenario."""

    named: ClassVar[str] = "experiments"

    experiments: Literal[1] = 1
    currency: str | None = None
    period: str = Field(description="day, week or month")
    horizon: int = Field(description="periods over which what is learned is used, test included")
    noise: Literal["stated", "fitted"] = Field(
        description="whence the ups and downs a lift has to stand out from"
    )
    proposals: tuple[ProposedTest, ...] = Field(
        description="the tests to run, best first, each given those before it"
    )
    others: tuple[ProposedTest, ...] = Field(
        description="the best test of every other channel, best first, given the proposals"
    )
    statement: str
    model: str = Field(description="sha256 of the model")
    scenario: str = Field(description="sha256 of the scenario")

    @classmethod
    def from_dict(cls, content: Any) -> Experiments:
        """Experiments from plain data; every fault at once as a DocumentError."""
        return parse(cls, content, "experiments")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return self.model_dump(mode="json", by_alias=True)
