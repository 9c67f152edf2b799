"""The workbook holds the plan's own numbers, no formulas, native charts, and opens elsewhere."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from python_calamine import CalamineWorkbook

from optimizer import Model, Plan, ProblemError, Scenario, frontier, full_workbook, plan, what_if
from optimizer.curve_points import curve_points
from optimizer.workbook import workbook_of

ODD = ("реклама", "电视广告", "=cmd()", "+plus", "-minus", "@at", '"quoted" & <b>', "'apostrophe")
POINTS = [
    {"budget": 1e5 * i, "value": 3e5 * i**0.5, "romi": 1.0 / i, "marginal_romi": None}
    for i in range(1, 9)
]
FRONTIER = {"points": POINTS}
POINTS_SOUGHT = 15


def drawn(draws: int = 40) -> Model:
    """Two channels whose returns are in doubt."""
    about = np.exp(0.2 * np.random.default_rng(3).normal(size=(2, draws)))
    curves = [
        {
            "family": "hill",
            "ceiling": (9e4 * about[0]).tolist(),
            "half_saturation": 4e4,
            "slope": 2,
        },
        {"family": "log", "scale": (2e4 * about[1]).tolist(), "rate": 1e-4},
    ]
    channels = [
        {"channel": name, "history_spend_per_period": 2e4, "curve": curve}
        for name, curve in zip(("tv", "search"), curves, strict=True)
    ]
    return Model.from_dict({"currency": "EUR", "channels": channels})


def wide() -> Model:
    """Two hundred cells with names a spreadsheet could run; no draws."""
    rng = np.random.default_rng(1)
    channels = [
        {
            "channel": f"{ODD[i % 8]}{i // 8 or ''}",
            "market": market,
            "history_spend_per_period": float(rng.uniform(100, 5000)),
            "curve": {"family": "log", "scale": float(rng.uniform(1e3, 2e4)), "rate": 1e-3},
        }
        for i in range(25)
        for market in ODD
    ]
    return Model.from_dict({"currency": "=EUR", "channels": channels})


DRAWN, WIDE = drawn(), wide()
QUESTION = Scenario.from_dict(
    {"periods": 10, "objective": "profit", "margin": 0.9, "name": "=SUM(1)", "bounds": [0.3, 1.7]}
)
TIMED = QUESTION.model_copy(
    update={
        "schedule": Scenario.from_dict(
            {"periods": 10, "schedule": {"cap": {"search": 3e4}}}
        ).schedule
    }
)
ANSWER = plan(DRAWN, QUESTION)
WIDE_ANSWER = plan(WIDE, Scenario(periods=10))


def sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """Sheet name -> its rows, from the first cell on."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }


def parts(data: bytes, pattern: str) -> list[str]:
    """The texts of the file's parts whose names match."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(pattern, name)]
        return [archive.read(name).decode() for name in names]


def facts(rows: list[list[Any]]) -> dict[str, Any]:
    """The labels of a sheet's first column with the values beside them."""
    return {row[0]: row[1] for row in rows if row[0] and len(row) > 1}


def split_table(rows: list[list[Any]], count: int) -> list[dict[str, Any]]:
    """The rows of the sheet Split under their headings."""
    headings = [str(cell).split("\n")[0] for cell in rows[2]]
    return [dict(zip(headings, row, strict=True)) for row in rows[3 : 3 + count]]


def blank(value: Any) -> Any:
    """An empty cell is read back as an empty text."""
    return "" if value is None else value


@pytest.mark.parametrize("answer", [ANSWER, WIDE_ANSWER])
def test_every_number_of_the_split_is_the_plans_own_to_the_last_digit(answer: Plan) -> None:
    table = split_table(sheets(answer.workbook())["Split"], len(answer.rows))
    for shown, row in zip(table, answer.rows, strict=True):
        assert shown["channel"] == row.channel
        assert shown.get("market", "") == blank(row.market)
        assert (shown["now"], shown["plan"]) == (row.current_spend, row.spend)
        assert (shown["revenue"], shown["ROMI"]) == (row.response.mean, blank(row.romi))
        assert (shown["marginal"], shown.get("limit", "")) == (
            blank(row.marginal_romi),
            blank(row.binding),
        )


def test_totals_certificate_and_prices_are_the_plans_own_numbers() -> None:
    found = sheets(ANSWER.workbook())
    totals, proof = ANSWER.totals, ANSWER.certificate
    assert proof is not None
    rows = {row[0]: row[1:4] for row in found["Summary"] if row[0]}
    assert rows["spend"][0] == totals.spend
    for name, interval in (("profit", totals.profit), ("ROMI", totals.romi)):
        assert rows[name] == [interval.mean, interval.p05, interval.p95]
    stated = facts(found["Certificate"])
    assert stated["value of this split"] == proof.value
    assert stated["no split can exceed"] == proof.upper_bound
    assert [stated[price.constraint] for price in ANSWER.shadow_prices] == [
        price.price for price in ANSWER.shadow_prices
    ]
    assert facts(found["Assumptions"])["model"] == DRAWN.content_hash


def test_the_headline_says_gain_doubt_and_chance() -> None:
    headline = next(row[0] for row in sheets(ANSWER.workbook())["Summary"][1:] if row[0])
    assert headline.startswith("The best split of 400,000 EUR earns ")
    assert "more profit than the current split (90 % interval " in headline
    assert headline.endswith("% sure it earns more.")


@pytest.mark.parametrize("answer", [ANSWER, WIDE_ANSWER])
def test_no_cell_holds_a_formula_and_no_text_a_link(answer: Plan) -> None:
    model = DRAWN if answer is ANSWER else WIDE
    data = answer.workbook(model, QUESTION, FRONTIER)
    for text in parts(data, r"xl/worksheets/sheet\d+\.xml"):
        assert "<f>" not in text
        assert "<f " not in text
        assert "hyperlink" not in text
    for text in parts(data, r"xl/charts/chart\d+\.xml"):
        for reference in re.findall(r"<c:f>(.*?)</c:f>", text):
            assert re.fullmatch(r"(Split|'Curve data'|Frontier)!\$[A-Z]+\$\d+(:\$\S+)?", reference)


def test_names_that_could_act_as_formulas_are_text() -> None:
    found = sheets(WIDE_ANSWER.workbook(WIDE))
    names = {row["channel"] for row in split_table(found["Split"], 200)}
    assert set(ODD) <= names
    assert sheets(ANSWER.workbook())["Summary"][0][0] == "=SUM(1)"


def test_the_same_plan_gives_the_same_bytes() -> None:
    again = Plan.from_dict(ANSWER.to_dict())
    assert ANSWER.workbook(DRAWN, QUESTION) == again.workbook(DRAWN, QUESTION)


def test_what_a_plan_lacks_is_left_out() -> None:
    assert list(sheets(ANSWER.workbook())) == ["Summary", "Split", "Assumptions", "Certificate"]
    given = what_if(WIDE, Scenario(periods=10), WIDE_ANSWER)
    found = sheets(given.workbook())
    assert list(found) == ["Summary", "Split", "Assumptions"]
    assert "5 % are" not in str(found["Split"][2])
    assert "cannot be said without draws" in str(found["Summary"])


def test_curves_pass_through_the_plan_and_carry_their_interval() -> None:
    data = ANSWER.workbook(DRAWN)
    found = sheets(data)["Curve data"]
    at = next(i for i, row in enumerate(found) if row[0] == ANSWER.rows[0].channel)
    curve = np.array([row[:4] for row in found[at + 2 : at + 43]], dtype=float)
    assert np.all(np.diff(curve, axis=0) >= 0.0)
    assert np.all(curve[1:, 2] < curve[1:, 1])
    assert np.all(curve[1:, 1] < curve[1:, 3])
    (mark,) = (found[i + 1] for i in range(at, at + 50) if found[i][1] == "plan")
    assert mark[0] == ANSWER.rows[0].spend
    assert mark[1] == pytest.approx(ANSWER.rows[0].response.mean, rel=1e-12)
    assert len(parts(data, r"xl/charts/chart\d+\.xml")) == 3


def test_a_curve_that_is_not_the_plans_own_is_not_drawn() -> None:
    assert "Curves" not in sheets(ANSWER.workbook(drawn(30)))


def test_of_many_cells_the_curves_with_most_money_are_drawn() -> None:
    data = WIDE_ANSWER.workbook(WIDE)
    assert len(parts(data, r"xl/charts/chart\d+\.xml")) == 1 + 24
    assert "Of 200 cells, the 24 with most money." in str(sheets(data)["Curves"])


def test_a_frontier_is_drawn_from_whatever_figures_it_has() -> None:
    found = sheets(ANSWER.workbook(frontier=FRONTIER))["Frontier"]
    top = next(i for i, row in enumerate(found) if row[0] == "budget")
    assert found[top][:3] == ["budget", "value", "ROMI"]
    assert [row[1] for row in found[top + 1 : top + 9]] == [point["value"] for point in POINTS]
    assert ["budget", "this plan"] in [row[:2] for row in found]


def test_the_full_workbook_marks_the_plan_and_the_peak_on_its_frontier() -> None:
    found = sheets(full_workbook(DRAWN, QUESTION, ANSWER))["Frontier"]
    named = {row[1]: rows for row, rows in itertools.pairwise(found) if row[0] == "budget"}
    assert named["this plan"][:2] == [ANSWER.totals.spend, ANSWER.totals.profit.mean]
    sought = frontier(DRAWN, QUESTION, points=POINTS_SOUGHT)
    assert sought.break_even is not None
    assert named["peak"][0] == sought.break_even.budget
    assert sought.statement in str(found)


def test_a_scenario_without_other_budgets_has_no_frontier_and_still_a_workbook() -> None:
    asked = QUESTION.model_copy(update={"channels": {}, "bounds": (1.0, 1.0)})
    answer = plan(DRAWN, asked)
    assert "Split" in sheets(full_workbook(DRAWN, asked, answer))
    least = Scenario.from_dict(
        {"periods": 10, "objective": "least_spend", "targets": {"revenue": 2e5}}
    )
    assert "Frontier" not in sheets(full_workbook(DRAWN, least, plan(DRAWN, least)))


@pytest.mark.parametrize("pattern", ["even", "optimised"])
def test_the_schedule_holds_every_periods_money_and_revenue(pattern: str) -> None:
    rules = {"pattern": pattern, "smooth": 0.3, "cap": {"search": 3e4}}
    concave = Model.from_dict(
        {"channels": [entry.model_dump(exclude_none=True) for entry in DRAWN.channels[1:]]}
    )
    answer = plan(concave, Scenario.from_dict({"periods": 10, "schedule": rules}))
    assert answer.schedule is not None
    data = answer.workbook(concave)
    found = sheets(data)["Schedule"]
    top = next(i for i, row in enumerate(found) if row[0] == "week")
    shown = np.array([row[1:4] for row in found[top + 1 : top + 11]], dtype=float)
    np.testing.assert_array_equal(shown[:, 0], answer.schedule.rows[0].spend)
    np.testing.assert_array_equal(shown[:, 2], [each.mean for each in answer.schedule.revenue])
    assert found[top + 11][2] == answer.totals.spend
    assert any("<c:barChart>" in chart and "<c:lineChart>" in chart for chart in charts_of(data))


def charts_of(data: bytes) -> list[str]:
    return parts(data, r"xl/charts/chart\d+\.xml")


def test_the_scenarios_keys_are_listed_as_stated() -> None:
    stated = facts(sheets(ANSWER.workbook(scenario=QUESTION))["Assumptions"])
    assert stated["bounds"] == "[0.3, 1.7]"
    assert stated["name"] == "=SUM(1)"
    assert stated["margin"] == 0.9


def test_a_plan_longer_than_a_sheet_is_refused() -> None:
    content = ANSWER.to_dict()
    with pytest.raises(ProblemError, match="this plan has 1,000,002"):
        workbook_of(content | {"allocation": content["allocation"] * 500_001})


STRANGE = ("half \ud800 letter", "bell\x07 and \x00", "\ufffe\uffff", "a\nb\tc", "x" * 40_000, " ")


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("currency", ['E"U\\R', "\ud800", "€", "a&b", "_x0041_"])
def test_no_name_however_strange_stops_or_breaks_the_file(name: str, currency: str) -> None:
    content = ANSWER.to_dict() | {"name": name, "currency": currency}
    content["allocation"][0] |= {"channel": name, "market": name}
    data = workbook_of(content, frontier=FRONTIER)
    for text in parts(data, r".*\.(xml|rels)"):
        ElementTree.fromstring(text)
    assert len(sheets(data)["Split"]) > 5


def test_a_curve_point_is_the_models_response() -> None:
    spends = {("tv", None): (1e5, 3e5)}
    (points,) = curve_points(DRAWN, spends, periods=10)
    at = np.array([[points.spend[7] / 10, 0.0]])
    assert points.mean[7] == pytest.approx(10 * DRAWN.response(at[0])[:, 0].mean(), rel=1e-12)
    assert points.marked[1] == pytest.approx(
        10 * DRAWN.response(np.array([3e4, 0.0]))[:, 0].mean(), rel=1e-12
    )


OFFICE = shutil.which("soffice")


SHOWN_DIGITS = 1e-14  # relative: LibreOffice writes fifteen digits of a number


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed here")
def test_libreoffice_opens_it_and_finds_the_same_cells_and_charts(tmp_path: Path) -> None:
    books = {
        "drawn.xlsx": ANSWER.workbook(DRAWN, QUESTION, FRONTIER),
        "wide.xlsx": WIDE_ANSWER.workbook(WIDE),
        "timed.xlsx": full_workbook(DRAWN, TIMED, plan(DRAWN, TIMED)),
    }
    for name, ours in books.items():
        (tmp_path / name).write_bytes(ours)
    convert = [str(OFFICE), f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    subprocess.run(
        [*convert, "--convert-to", "xlsx", "--outdir", tmp_path / "out", *map(str, books)],
        check=True,
        capture_output=True,
        timeout=120,
        cwd=tmp_path,
    )
    for name, ours in books.items():
        _hold_the_same(ours, (tmp_path / "out" / name).read_bytes())


def _hold_the_same(ours: bytes, theirs: bytes) -> None:
    charts, tables = r"xl/charts/chart\d+\.xml", r"xl/worksheets/sheet\d+\.xml"
    assert len(parts(theirs, charts)) == len(parts(ours, charts)) > 0
    assert not [text for text in parts(theirs, tables) if "<f" in text]
    mine, other = sheets(ours), sheets(theirs)
    assert list(mine) == list(other)
    for name, rows in mine.items():
        for row, same in zip(rows, other[name], strict=True):
            filled, found = ([cell for cell in cells if cell != ""] for cells in (row, same))
            assert len(filled) == len(found)
            for cell, again in zip(filled, found, strict=True):
                assert again == _as_shown(cell)


def _as_shown(cell: Any) -> Any:
    return pytest.approx(cell, rel=SHOWN_DIGITS) if isinstance(cell, float) else cell
