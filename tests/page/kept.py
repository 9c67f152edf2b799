"""What a reader already has when a test begins: curves with draws, and scenarios over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.page.browser import Visit
from tests.service.running import Service

CHANNELS = ("tv", "search", "social", "radio")
DRAWS = 60
PERIODS = 10
USUAL = 1_000.0  # currency per week of the first channel; each next has as much more


def drawn_model(channels: tuple[str, ...] = CHANNELS, draws: int = DRAWS) -> dict[str, Any]:
    """Hill curves with draws, a channel each; all can bring the same, the first for least money.

    What is spent now is not the best split, so that a plan gains by moving money.
    """
    rng = np.random.default_rng(12)

    def drawn(centre: float, spread: float) -> list[float]:
        return list(centre * np.exp(spread * rng.standard_normal(draws)))

    return {
        "model": 1,
        "currency": "EUR",
        "channels": [
            {
                "channel": name,
                "history_spend_per_period": USUAL * place,
                "curve": {
                    "family": "hill",
                    "ceiling": drawn(12_000.0, 0.2),
                    "half_saturation": drawn(1_000.0 * place, 0.2),
                    "slope": drawn(1.2, 0.1),
                },
            }
            for place, name in enumerate(channels, 1)
        ],
    }


@dataclass(frozen=True)
class Kept:
    """A model and a scenario of a workspace."""

    model: str
    scenario: str
    budget: float

    @property
    def path(self) -> str:
        """Where its workbench is."""
        return f"/scenarios/{self.scenario}"


def keep(
    service: Service, workspace: str, model: dict[str, Any] | None = None, **asks: Any
) -> Kept:
    """Bring curves in and keep a scenario that spends what is spent now.

    Parameters
    ----------
    asks
        Keys of the scenario document beside name, periods, budget and objective.
    """
    curves = model or drawn_model()
    usual = sum(one["history_spend_per_period"] for one in curves["channels"])
    budget = usual * PERIODS
    document = {"name": "Spring", "periods": PERIODS, "budget": budget, "objective": "profit"}
    document |= {"margin": 0.6, "caution": 0.5, **asks}
    with service.client(workspace=workspace) as client:
        body = {"model": curves, "name": "Curves", "make_current": True}
        made = client.post("/v1/models/import", json=body).raise_for_status().json()
        asked = {"scenario": document, "model": made["id"]}
        kept = client.post("/v1/scenarios", json=asked).raise_for_status().json()
    return Kept(made["id"], kept["id"], float(document.get("budget") or budget))


def version_of(service: Service, workspace: str, scenario: str) -> int:
    """The version a scenario is at."""
    with service.client(workspace=workspace) as client:
        found: int = client.get(f"/v1/scenarios/{scenario}").raise_for_status().json()["version"]
    return found


class Bench:
    """The workbench as a reader sees and moves it."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page

    @property
    def version(self) -> int:
        """How many answers there were."""
        return int(self.page.locator("#answer").get_attribute("data-version") or 0)

    def after(self, deed: Any) -> None:
        """Do something and wait for the answer to it."""
        before = self.version
        deed()
        self.page.wait_for_function(
            "before => +document.getElementById('answer').dataset.version > before", arg=before
        )
        self.visit.rest()

    def field(self, name: str) -> Any:
        """A field of the question."""
        return self.page.locator(f'#question [name="{name}"]')

    def amount(self, name: str) -> float:
        """The number in a field, typed in English."""
        return float(self.field(name).input_value().replace(",", ""))

    def spend(self) -> list[float]:
        """Every channel's money, currency, whole plan."""
        count = self.page.locator("#question tr[data-cell] [name^=spend-]").count()
        return [self.amount(f"spend-{place}") for place in range(count)]

    def type(self, name: str, text: str) -> None:
        """Type into a field and leave it."""
        self.field(name).fill(text)
        self.field(name).press("Tab")
