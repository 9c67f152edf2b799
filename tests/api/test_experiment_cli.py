"""romi experiment: proposals beside a plan, finished tests as rows that a fit reads."""

import json
from pathlib import Path

import pytest

from optimizer import read_lift_tests
from tests.api.conftest import Romi
from tests.geo_examples import geo_test


@pytest.fixture
def cities(folder: Path) -> tuple[str, str]:
    """A finished test in cities.csv: where, and since when."""
    geo, (market,), _ = geo_test(2, relative_lift=0.2, n_markets=12)
    lines = ["date,city,revenue"]
    for day, row in zip(geo.dates.date, geo.revenue, strict=True):
        lines += [f"{day},{name},{value}" for name, value in zip(geo.markets, row, strict=True)]
    (folder / "cities.csv").write_text("\n".join(lines) + "\n")
    return market, str(geo.dates[70].date())


def test_it_proposes_tests_beside_a_plan(romi: Romi, folder: Path) -> None:
    result = romi("experiment", "fit.yaml", "--json", "--quiet")
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert content["noise"] == "fitted"
    assert {test["channel"] for test in content["proposals"] + content["others"]} == {
        "tv",
        "search",
    }
    shown = romi("experiment", "fit.yaml", "--horizon", "104", "--quiet")
    assert shown.exit_code == 0
    assert "104 weeks" in " ".join(shown.stdout.split())
    written = romi("experiment", "fit.yaml", "-o", "tests.csv", "--quiet")
    assert written.exit_code == 0
    assert (folder / "tests.csv").read_text().startswith("channel,")


def test_a_finished_test_becomes_a_row_that_a_fit_reads(
    romi: Romi, folder: Path, cities: tuple[str, str]
) -> None:
    market, start = cities
    asked = ("--analyse", "cities.csv", "--markets", market, "--start", start)
    result = romi("experiment", *asked, "--quiet")
    assert result.exit_code == 0
    assert "90 % interval" in " ".join(result.stdout.split())
    moved = ("--channel", "tv", "--spend-control", "10", "--spend-test", "40", "--per", "week")
    assert romi("experiment", *asked, *moved, "-o", "tests.csv", "--quiet").exit_code == 0
    (written,) = read_lift_tests(folder / "tests.csv")
    assert written.channel == "tv"
    assert written.lift / written.standard_error > 2.0
    content = json.loads(romi("experiment", *asked, *moved, "--json", "--quiet").stdout)
    assert content["lift_test"]["channel"] == "tv"
    assert content["lift_test"]["spend_test"] == pytest.approx(7 * 40 * content["whole"])
    assert content["lift"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Give a scenario"),
        (("fit.yaml", "--analyse", "history.csv"), 2, "Give a scenario"),
        (("--analyse", "history.csv"), 2, "--markets and --start"),
        (("--analyse", "history.csv", "--markets", "x", "--start", "2024-02-01"), 3, "no column"),
        (
            ("--analyse", "cities.csv", "--markets", "x", "--start", "2026-03-12"),
            3,
            'no market "x"',
        ),
        (
            ("--analyse", "cities.csv", "--markets", "city 01", "--start", "2026-03-12",
             "--channel", "tv"),
            2,
            "belong together",
        ),
        (
            ("--analyse", "cities.csv", "--markets", "city 01", "--start", "2026-03-12", "-o",
             "x.csv"),
            2,
            "needs --channel",
        ),
        (("plan.yaml", "--noise", "-5"), 4, "cannot be meant"),
        (("plan.yaml",), 4, "how noisy"),
        (("nowhere.yaml",), 3, "no file"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_ends_in_a_sentence(
    romi: Romi, cities: tuple[str, str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    assert cities
    result = romi("experiment", *arguments, "--quiet")
    assert result.exit_code == code, result.stderr
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
