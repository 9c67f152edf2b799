"""What a scenario says that its model, or another of its keys, contradicts: place by place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from optimizer.delivery import newcomers
from optimizer.demands import Places
from optimizer.errors import Fault, nearest
from optimizer.limits import is_whole
from optimizer.model import Model
from optimizer.rules import ChannelRules, Group
from optimizer.scenario import BudgetRange, Scenario


def name_faults(model: Model, scenario: Scenario) -> Iterator[Fault]:
    """Names of channels, markets and groups that nobody knows; newcomers count as known."""
    channels = (*model.names, *newcomers(scenario))
    markets = tuple(dict.fromkeys(c.market for c in model.channels if c.market is not None))
    for place, names in _named_channels(scenario):
        yield from _unknown("channel", place, names, channels)
    for place, names in _named_markets(scenario):
        if names and not markets:
            yield Fault(place, "names markets, but the model has none; take it out")
        else:
            yield from _unknown("market", place, names, markets)
    for channel, spend in (scenario.current or {}).items():
        own = [str(c.market) for c in model.channels if c.channel == channel and c.market]
        split = spend if isinstance(spend, dict) else ()
        yield from _unknown("market", f"/current/{channel}", split, own)
    groups = scenario.groups or {}
    for name, group in groups.items():
        if group.ratio is not None:
            yield from _unknown("group", f"/groups/{name}/ratio/to", [group.ratio.to], groups, "")
    yield from _borrowed(model, scenario)
    yield from _customers_faults(scenario, channels)


def _named_channels(scenario: Scenario) -> Iterator[tuple[str, Iterable[str]]]:
    """Every place that names channels."""
    yield "/current", scenario.current or {}
    yield "/channels", scenario.channels
    yield "/margin", scenario.margin if isinstance(scenario.margin, dict) else {}
    yield "/values", scenario.values or {}
    yield "/cost_index", scenario.cost_index or {}
    yield "/fit/priors", scenario.fit.priors if scenario.fit else {}
    for name, resource in (scenario.resources or {}).items():
        yield f"/resources/{name}/per_unit", resource.per_unit
    for name, market in (scenario.markets or {}).items():
        yield f"/markets/{name}/channels", market.channels
    for name, group in (scenario.groups or {}).items():
        yield f"/groups/{name}/channels", group.channels or ()


def _named_markets(scenario: Scenario) -> Iterator[tuple[str, Iterable[str]]]:
    yield "/markets", scenario.markets or {}
    for name, group in (scenario.groups or {}).items():
        yield f"/groups/{name}/markets", group.markets or ()


def _unknown(
    kind: str, place: str, names: Iterable[str], known: Iterable[str], at: str | None = None
) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            pointer = f"{place}/{name}" if at is None else place
            yield Fault(pointer, f'unknown {kind} "{name}"; {nearest(name, known)}')


def _customers_faults(scenario: Scenario, channels: tuple[str, ...]) -> Iterator[Fault]:
    """A document not read yet, and segments that look like misspelled channels."""
    if scenario.objective != "customer_value" or scenario.customers is None:
        return
    if isinstance(scenario.customers, str):
        text = (
            f'names the file "{scenario.customers}", which only a scenario\'s file can; give '
            "the document itself, such as Customers.from_dict(...)"
        )
        yield Fault("/customers", text)
        return
    strange = [row.segment for row in scenario.customers.segments if row.segment not in channels]
    for name in strange:
        hint = nearest(name, channels)
        if hint.startswith("did you mean") or len(strange) == len(scenario.customers.segments):
            yield Fault("/customers", f'the segment "{name}" is no channel; {hint}')


def _borrowed(model: Model, scenario: Scenario) -> Iterator[Fault]:
    """Newcomers that are none, and donors that have no curve of their own."""
    for name, donor in newcomers(scenario).items():
        place = f"/channels/{name}/like"
        if name in model.names:
            yield Fault(place, f"is for new channels; the model has a curve of {name}: take it out")
        elif donor not in model.names:
            yield Fault(place, f'unknown channel "{donor}"; {nearest(donor, model.names)}')
    for market, rules in (scenario.markets or {}).items():
        for name, own in rules.channels.items():
            if own.like is not None or own.scale is not None:
                text = f"is stated once, for all markets: move it to channels.{name}"
                yield Fault(f"/markets/{market}/channels/{name}/like", text)


def rule_faults(model: Model, scenario: Scenario) -> Iterator[Fault]:
    """Keys that contradict each other; the model has the newcomers, all names are known."""
    places = Places.of(model)
    if isinstance(scenario.margin, dict):
        for name in model.names:
            if name not in scenario.margin:
                yield Fault("/margin", f'gives no margin for channel "{name}"; add it')
    yield from _cell_faults(scenario, places)
    yield from _uneven(scenario)
    for name, group in (scenario.groups or {}).items():
        yield from _group_faults(name, group, places)
    yield from _objective_faults(scenario)
    yield from _target_faults(scenario)
    yield from _missing_values(model, scenario)


def _cell_faults(scenario: Scenario, places: Places) -> Iterator[Fault]:
    for market, rules in (scenario.markets or {}).items():
        for name in rules.channels:
            if not places.members([name], [market]).any():
                text = f"the model has no {name} in {market}; take it out"
                yield Fault(f"/markets/{market}/channels/{name}", text)


def _uneven(scenario: Scenario) -> Iterator[Fault]:
    """Stated sums that the lot does not divide, and lots that exceed the budget."""
    lot = scenario.lot
    exact: list[tuple[str, object]] = [("/budget", scenario.budget)]
    if isinstance(scenario.budget, BudgetRange):
        exact = [("/budget/min", scenario.budget.min), ("/budget/max", scenario.budget.max)]
    largest = exact[-1][1]
    if isinstance(largest, float) and lot > largest:
        yield Fault("/lot", f"is {lot:g}, larger than the budget of {largest:,.2f}; lower it")
        return
    exact += [(f"{place}/locked", rules.locked) for place, rules in _all_rules(scenario)]
    for place, money in exact:
        if isinstance(money, float) and not is_whole(money, lot):
            yield Fault(place, f"{money!r} is no multiple of the lot {lot:g}; round it")


def _all_rules(scenario: Scenario) -> Iterator[tuple[str, ChannelRules]]:
    for name, rules in scenario.channels.items():
        yield f"/channels/{name}", rules
    for market, within in (scenario.markets or {}).items():
        for name, rules in within.channels.items():
            yield f"/markets/{market}/channels/{name}", rules


def _group_faults(name: str, group: Group, places: Places) -> Iterator[Fault]:
    place, size = f"/groups/{name}", int(places.of_group(group).sum())
    if size == 0:
        yield Fault(place, "holds nothing: no cell has these channels and markets; name some")
    if group.ratio is not None and group.ratio.to == name:
        yield Fault(f"{place}/ratio/to", "is the group itself; name another group")
    for key in ("at_least", "at_most"):
        count = getattr(group, key)
        if size and count is not None and count > size:
            text = f"is {count}, but the group holds only {size}; lower it"
            yield Fault(f"{place}/{key}", text)


def _objective_faults(scenario: Scenario) -> Iterator[Fault]:
    """Objectives without what they need."""
    budget, stated = scenario.budget, scenario.targets
    is_free = budget == "free"
    if scenario.objective == "least_spend":
        if isinstance(budget, float):
            text = "is fixed, but least_spend asks how little is enough; write free or {min, max}"
            yield Fault("/budget", text)
        if stated is None or (stated.revenue is None and stated.profit is None):
            yield Fault(
                "/targets", "needs revenue or profit: least_spend spends just enough for it"
            )
    if scenario.objective == "romi" and (
        is_free or (isinstance(budget, BudgetRange) and budget.min == 0.0)
    ):
        text = "has no minimum, and ROMI is best at hardly any spend; state a sum or {min, max}"
        yield Fault("/budget", text)
    holds_back = stated is not None and any(
        target is not None
        for target in (stated.romi, stated.profit, stated.marginal_romi, stated.cac)
    )
    if is_free and scenario.objective in ("revenue", "customer_value") and not holds_back:
        text = (
            f"is free, and {scenario.objective} would spend all the limits allow; state a sum, "
            "{min, max}, or a target of romi, marginal_romi, profit or cac"
        )
        yield Fault("/budget", text)


def _target_faults(scenario: Scenario) -> Iterator[Fault]:
    """Targets that mean nothing beside the objective."""
    stated = scenario.targets
    if stated is None:
        return
    if scenario.objective == "customer_value" and stated.revenue is not None:
        text = "counts revenue, but under customer_value the curves count customers; use profit"
        yield Fault("/targets/revenue", text)
    for key in ("romi", "marginal_romi"):
        target = getattr(stated, key)
        if target is not None and target <= -1.0:
            yield Fault(f"/targets/{key}", "is -1 or less, which any split keeps; take it out")
    if scenario.objective == "least_spend" and stated.marginal_romi is not None:
        text = "has no meaning with least_spend, which stops at its target; take it out"
        yield Fault("/targets/marginal_romi", text)


def _missing_values(model: Model, scenario: Scenario) -> Iterator[Fault]:
    """Channels that customer_value funds without knowing their customers' worth."""
    if scenario.objective != "customer_value" or scenario.customers is not None:
        return
    for name in model.names:
        rules = scenario.channels.get(name)
        value = (scenario.values or {}).get(name)
        if rules is not None and rules.excluded:
            continue
        if value is None:
            text = (
                f'gives no value of a customer of "{name}"; add it, exclude the channel, or give '
                "a customers document"
            )
            yield Fault("/values", text)
        elif value <= 0.0:
            yield Fault(f"/values/{name}", "must be above 0; exclude the channel instead")
