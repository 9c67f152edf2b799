"""The shipped examples under every lock-out, with nothing but answers and named errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer import Model, Plan, Scenario, fit, plan, read_document, read_history

EXAMPLES = Path(__file__).resolve().parents[1] / "scenarios"
FOLDERS = ("shop", "national", "own_curves")


@pytest.fixture(scope="module")
def questions() -> dict[str, tuple[Model, Scenario]]:
    """Every example's model and scenario, fitted once."""
    found = {}
    for name in FOLDERS:
        content = read_document(EXAMPLES / name / "scenario.yaml")
        if "model" in content:
            model = Model.from_dict(read_document(EXAMPLES / name / content.pop("model")))
        else:
            source = content.pop("history")
            path = EXAMPLES / name / source.pop("file")
            model = fit(read_history(path, currency=content.get("currency"), **source))
        found[name] = model, Scenario.from_dict(content)
    return found


def answer(model: Model, scenario: Scenario, channel: str, rule: dict[str, object]) -> Plan:
    update = {"channels": {channel: rule}, "bounds": (0.0, 3.0)}
    return plan(model, scenario.model_copy(update=update))


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("rule", [{"excluded": True}, {"locked": 0}, {"min": 0, "max": 0}], ids=str)
def test_any_channel_of_any_example_can_be_left_out(questions, folder, rule):
    model, scenario = questions[folder]
    for channel in model.names:
        plan_without = answer(model, scenario, channel, rule)
        assert plan_without.split[channel] == 0.0
        assert plan_without.certificate is not None
        assert plan_without.certificate.gap <= 1e-5


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_example_is_proved_at_every_caution(questions, folder):
    model, scenario = questions[folder]
    for caution in (0.0, 0.5, 1.0):
        found = plan(model, scenario.model_copy(update={"caution": caution}))
        assert found.certificate is not None
        assert found.certificate.gap <= 1e-5
