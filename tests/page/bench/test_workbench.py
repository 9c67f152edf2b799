"""A planner changes a number and sees money move: the workbench in a browser."""

from __future__ import annotations

import io

import pytest
from python_calamine import CalamineWorkbook

from tests.page.browser import WIDTHS, widest
from tests.page.kept import Bench, keep, version_of

CENT = 0.01  # amounts in fields are shown to the cent
EURO = 1.0  # the budget slider moves in whole units
WITHIN_ITS_CARD = """(part) => part.getBoundingClientRect().right
  <= part.closest(".card").getBoundingClientRect().right"""


@pytest.fixture
def kept(service, workspace):
    return keep(service, workspace)


@pytest.fixture
def visit(opened, workspace, kept):
    visit = opened(workspace)
    visit.go(kept.path)
    return visit


@pytest.fixture
def bench(visit):
    return Bench(visit)


def near(amount, tolerance=CENT):
    return pytest.approx(amount, abs=tolerance)


def test_the_slider_moves_every_figure(bench, kept):
    bench.page.locator("#uplift").wait_for()
    before, gain = bench.spend(), bench.page.locator("#uplift").inner_text()
    slider = bench.page.locator("#budget-slider")
    bench.after(lambda: slider.fill(str(0.7 * kept.budget)))
    bench.page.wait_for_timeout(300)
    assert bench.amount("budget") == near(0.7 * kept.budget, EURO)
    assert sum(bench.spend()) == near(bench.amount("budget"), 4 * CENT)
    assert bench.spend() != before
    assert bench.page.locator("#uplift").inner_text() != gain


def test_a_typed_amount_locks_its_channel_and_the_rest_is_split_anew(bench, kept):
    before = bench.spend()
    bench.after(lambda: bench.type("spend-1", "5000"))
    after = bench.spend()
    assert bench.field("locked-1").is_checked()
    assert after[1] == 5000
    assert sum(after) == near(kept.budget, 4 * CENT)
    assert after[2:] != near(before[2:])


def test_a_locked_channel_stays_where_it_is_while_the_budget_moves(bench, kept):
    bench.after(lambda: bench.field("locked-0").check())
    held = bench.amount("spend-0")
    bench.after(lambda: bench.type("budget", str(round(1.2 * kept.budget))))
    assert bench.amount("spend-0") == near(held)
    assert sum(bench.spend()) == near(1.2 * kept.budget, 4 * CENT)
    bench.after(lambda: bench.field("locked-0").uncheck())
    assert bench.amount("spend-0") != near(held)


def test_a_point_dragged_along_its_curve_locks_its_channel(bench):
    figure = bench.page.locator("figure[data-chart=curve][data-cell=search]")
    figure.scroll_into_view_if_needed()
    held = bench.amount("spend-1")
    at = figure.evaluate(
        """async (figure, share) => {
          const { chartOf } = await import(document.querySelector("script[src*='js/app.js']").src
            .replace("app.js", "charts.js"));
          const place = figure.querySelector(".chart-place");
          const data = JSON.parse(document.getElementById(figure.dataset.source).textContent);
          const chart = chartOf(place), box = place.getBoundingClientRect();
          const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, data.plan);
          const [further] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 },
            [data.plan[0] * share, data.plan[1]]);
          return { x: box.x + x, y: box.y + y, further: box.x + further };
        }""",
        1.15,
    )
    mouse = bench.page.mouse

    def drag():
        mouse.move(at["x"], at["y"])
        mouse.down()
        mouse.move((at["x"] + at["further"]) / 2, at["y"] - 5, steps=5)
        mouse.move(at["further"], at["y"] - 5, steps=5)
        mouse.up()

    bench.after(drag)
    assert bench.field("locked-1").is_checked()
    assert bench.amount("spend-1") == pytest.approx(1.15 * held, rel=0.02)


def test_undo_takes_changes_back_one_by_one(bench, kept):
    undo = bench.page.locator("#undo")
    assert undo.is_disabled()
    first = bench.spend()
    bench.after(lambda: bench.type("spend-1", "5000"))
    second = bench.spend()
    bench.after(lambda: bench.type("budget", str(round(0.8 * kept.budget))))
    bench.after(undo.click)
    assert bench.spend() == near(second)
    bench.after(undo.click)
    assert bench.spend() == near(first)
    assert not bench.field("locked-1").is_checked()
    assert undo.is_disabled()


def test_saving_keeps_what_is_seen(bench, service, workspace, kept):
    bench.after(lambda: bench.type("spend-1", "5000"))
    seen = bench.spend()
    bench.page.locator("#save").click()
    bench.page.get_by_text("Saved as version 2.").wait_for()
    bench.visit.go(kept.path)
    assert bench.spend() == near(seen)
    assert bench.field("locked-1").is_checked()
    assert version_of(service, workspace, kept.scenario) == 2


def test_the_address_carries_the_state(bench, opened, workspace):
    bench.after(lambda: bench.type("spend-1", "5000"))
    seen, address = bench.spend(), bench.visit.path
    other = opened(workspace)
    other.go(address)
    assert Bench(other).spend() == near(seen)


def test_the_second_of_two_tabs_is_told_of_the_first(bench, service, workspace, kept):
    bench.visit.expect("status of 412")
    other = bench.visit.tab()
    other.goto(bench.page.url)
    bench.page.bring_to_front()
    bench.after(lambda: bench.type("spend-1", "5000"))
    bench.page.locator("#save").click()
    bench.page.get_by_text("Saved as version 2.").wait_for()
    other.bring_to_front()
    other.locator("#question [name=spend-2]").fill("7000")
    other.locator("#question [name=spend-2]").press("Tab")
    other.locator("#question [name=locked-2]:checked").wait_for()
    other.locator("#save").click()
    other.locator("#changed-meanwhile").wait_for()
    assert "version 2" in other.locator("#changed-meanwhile").inner_text()
    assert other.locator("#question [name=spend-2]").input_value().replace(",", "") == "7000"
    assert "version 1" in other.locator(".bench-name").inner_text()
    other.locator("#save").click()
    other.locator("#changed-meanwhile").wait_for()
    assert version_of(service, workspace, kept.scenario) == 2
    bench.page.bring_to_front()
    bench.visit.go(kept.path)
    assert bench.amount("spend-1") == 5000
    other.bring_to_front()
    other.get_by_role("button", name="Keep mine as a new scenario").click()
    other.get_by_text("Saved as version 1.").wait_for()
    assert other.locator("#question [name=spend-2]").input_value().replace(",", "") == "7000"


def test_theirs_is_replaced_by_the_button_that_says_so(bench, service, workspace, kept):
    bench.visit.expect("status of 412")
    other = bench.visit.tab()
    other.goto(bench.page.url)
    bench.page.bring_to_front()
    bench.page.locator("#save").click()
    bench.page.get_by_text("Saved as version 2.").wait_for()
    other.bring_to_front()
    other.locator("#save").click()
    other.on("dialog", lambda dialog: dialog.accept())
    other.get_by_role("button", name="Replace theirs with mine").click()
    other.get_by_text("Saved as version 3.").wait_for()
    assert version_of(service, workspace, kept.scenario) == 3


def test_another_language_keeps_what_was_typed(bench):
    bench.after(lambda: bench.type("spend-1", "5,000.5"))
    bench.page.locator("#language").select_option("ru")
    bench.page.locator("html[lang=ru]").wait_for()
    bench.visit.rest()
    assert bench.field("spend-1").input_value().replace("\xa0", " ") == "5 000,5"
    assert bench.field("locked-1").is_checked()


FIGHTS = {
    "a least above the usual most": ({"min-0": "30000"}, ("tv at least", "tv at most")),
    "a least above the budget": ({"max-0": "90000", "min-0": "80000"}, ("tv at least", "budget")),
}


@pytest.mark.parametrize("fight", FIGHTS)
def test_limits_that_fight_are_named_and_one_button_eases_them(bench, fight):
    typed, named = FIGHTS[fight]
    bench.visit.expect("status of 422")
    bench.page.locator("#limits summary").click()
    for name, text in typed.items():
        bench.after(lambda name=name, text=text: bench.type(name, text))
    bench.page.get_by_role("heading", name="These limits cannot all hold").wait_for()
    told = bench.page.locator("#answer .conflicts").inner_text()
    assert all(name in told for name in named), told
    bench.page.locator("button[name=relax]").first.click()
    bench.page.locator("#uplift").wait_for()
    bench.visit.rest()
    assert sum(bench.spend()) == near(bench.amount("budget"), 4 * CENT)
    assert bench.amount("spend-0") >= bench.amount("min-0") - CENT


def test_a_least_above_its_own_most_is_told_at_the_field(bench):
    bench.visit.expect("status of 422")
    bench.page.locator("#limits summary").click()
    bench.after(lambda: bench.type("max-0", "15000"))
    bench.after(lambda: bench.type("min-0", "18000"))
    told = bench.page.locator("#answer").inner_text()
    assert "Least for tv: The least, 18,000, is above the most, 15,000." in told
    bench.after(lambda: bench.type("min-0", "12000"))
    assert 12_000 - CENT <= bench.amount("spend-0") <= 15_000 + CENT


def test_a_wrong_amount_is_told_beside_its_field_and_nothing_typed_is_lost(bench):
    bench.visit.expect("status of 422")
    before = bench.spend()
    bench.after(lambda: bench.type("budget", "lots"))
    assert bench.page.locator("#answer [role=alert]").is_visible()
    assert bench.field("budget").input_value() == "lots"
    assert bench.spend() == before
    bench.after(lambda: bench.type("budget", "80000"))
    assert bench.page.locator("#answer [role=alert]").count() == 0
    assert sum(bench.spend()) == near(80_000, 4 * CENT)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_wrong_with_an_amount_pushes_nothing_aside(opened, workspace, kept, width):
    visit = opened(workspace, width=width)
    visit.expect("status of 422")
    visit.go(kept.path)
    bench = Bench(visit)
    bench.page.locator("#limits summary").click()
    bench.after(lambda: bench.type("spend-1", "12x"))
    bench.after(lambda: bench.type("min-0", "lots"))
    for name in ("spend-1", "min-0"):
        told = bench.page.locator(f"#{name}-wrong")
        assert told.evaluate(WITHIN_ITS_CARD), name
        assert bench.page.locator("tr", has=told).evaluate(WITHIN_ITS_CARD), name
    assert widest(bench.page) == 0


def test_bullets_stand_within_their_notice(bench):
    bench.visit.expect("status of 422")
    bench.after(lambda: bench.type("budget", "lots"))
    indent = "(list) => parseFloat(getComputedStyle(list).paddingLeft)"
    assert bench.page.locator("#answer [role=alert] ul").first.evaluate(indent) >= 16


def test_a_range_begins_around_the_budget(bench, kept):
    bench.after(lambda: bench.type("budget", "80000"))
    bench.after(lambda: bench.page.get_by_label("A range").check())
    assert bench.page.locator("#answer [role=alert]").count() == 0
    assert (bench.amount("budget_min"), bench.amount("budget_max")) == (64_000, 96_000)
    bench.after(lambda: bench.type("budget_min", "90000"))
    bench.after(lambda: bench.page.get_by_label("Fixed").check())
    bench.after(lambda: bench.type("budget", "100000"))
    bench.after(lambda: bench.page.get_by_label("A range").check())
    assert (bench.amount("budget_min"), bench.amount("budget_max")) == (90_000, 120_000)


def test_what_is_wrong_with_the_kind_of_budget_is_told_beside_it(bench):
    bench.visit.expect("status of 422")
    bench.after(lambda: bench.page.get_by_label("Free").check())
    bench.after(lambda: bench.field("objective").select_option("revenue"))
    told = bench.page.locator("#budget_kind-wrong")
    assert told.is_visible()
    assert "most revenue" in told.inner_text()
    bench.after(lambda: bench.field("objective").select_option("profit"))
    assert told.count() == 0


def test_ones_own_split_is_judged_as_it_is(bench, kept):
    bench.after(lambda: bench.page.get_by_label("My own split").check())
    shown = bench.spend()
    bench.after(lambda: bench.type("spend-0", str(shown[0] + 1000)))
    assert bench.spend()[0] == near(shown[0] + 1000)
    assert bench.spend()[1:] == near(shown[1:])


@pytest.mark.parametrize("kind", ["xlsx", "csv", "html", "json"])
def test_the_answer_is_carried_away_as_a_file(bench, kind):
    bench.after(lambda: bench.type("spend-1", "5000"))
    words = {"xlsx": "Workbook", "csv": "Table", "html": "Report", "json": "Document"}[kind]
    with bench.page.expect_download() as waited:
        bench.page.get_by_role("button", name=words).click()
    content = waited.value.path().read_bytes()
    assert waited.value.suggested_filename.endswith(f".{kind}")
    if kind == "xlsx":
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        cells = [
            cell
            for name in book.sheet_names
            for row in book.get_sheet_by_name(name).to_python()
            for cell in row
        ]
        assert 5000.0 in cells
    else:
        assert b"search" in content


def test_a_chart_is_saved_as_a_picture(bench):
    figure = bench.page.locator("figure[data-chart=curve]").first
    figure.locator("summary").click()
    with bench.page.expect_download() as waited:
        figure.get_by_role("button", name="PNG").click()
    assert waited.value.suggested_filename.endswith(".png")
    assert waited.value.path().read_bytes().startswith(b"\x89PNG")


def test_every_budget_is_drawn_when_it_is_asked_for(bench):
    bench.page.locator("#show-frontier").click()
    bench.page.locator("#frontier figure, #frontier table").first.wait_for()
    bench.visit.rest()


@pytest.mark.parametrize("language", ["ru", "zh"])
def test_amounts_are_typed_and_shown_as_the_reader_writes_them(opened, workspace, kept, language):
    visit = opened(workspace, language=language)
    visit.go(kept.path)
    bench = Bench(visit)
    text = {"ru": "80 000,5", "zh": "80,000.5"}[language]
    bench.after(lambda: bench.type("budget", text))
    plain = {
        "ru": str.maketrans({"\xa0": "", "\u202f": "", " ": "", ",": "."}),
        "zh": str.maketrans({",": ""}),
    }
    shown = [
        float(bench.field(f"spend-{place}").input_value().translate(plain[language]))
        for place in range(4)
    ]
    assert sum(shown) == near(80_000.5, 4 * CENT)


def test_without_scripts_the_form_is_sent_answered_and_saved(opened, workspace, kept):
    visit = opened(workspace, script=False)
    visit.go(kept.path)
    page = visit.page
    page.locator("[name=spend-1]").fill("5000")
    page.locator("[name=locked-1]").check()
    page.get_by_role("button", name="Calculate").click()
    bench = Bench(visit)
    assert bench.amount("spend-1") == 5000
    assert sum(bench.spend()) == near(kept.budget, 4 * CENT)
    page.locator("#save").click()
    page.get_by_text("Saved as version 2.").wait_for()


def test_keyboard_alone_changes_locks_undoes_and_saves(bench):
    page = bench.page
    page.locator("#budget-slider").focus()
    before = bench.amount("budget")
    bench.after(lambda: page.keyboard.press("ArrowLeft"))
    page.wait_for_timeout(300)
    assert bench.amount("budget") < before
    page.locator("[name=locked-0]").focus()
    bench.after(lambda: page.keyboard.press("Space"))
    assert bench.field("locked-0").is_checked()
    page.locator("#undo").focus()
    bench.after(lambda: page.keyboard.press("Enter"))
    assert not bench.field("locked-0").is_checked()
    page.locator("#save").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Saved as version 2.").wait_for()


def test_an_answer_is_stale_from_the_change_until_the_next_is_there(bench):
    held = []

    def hold(route):
        held.append(route)

    bench.page.route("**/answer", hold)
    bench.type("budget", "80000")
    bench.page.locator("#calculating").wait_for()
    answer = bench.page.locator("#answer")
    assert answer.get_attribute("aria-busy") == "true"
    assert "stale" in answer.get_attribute("class")
    assert "stale" in bench.page.locator("#more").get_attribute("class")
    bench.after(held[0].continue_)
    assert answer.get_attribute("aria-busy") == "false"
    assert "stale" not in answer.get_attribute("class")
    assert bench.page.locator("#calculating").is_hidden()


def test_the_figures_of_an_answer_stand_on_one_line(bench):
    tops = "(all) => [...new Set(all.map((one) => Math.round(one.getBoundingClientRect().top)))]"
    assert len(bench.page.locator("#part-totals .figure-value").evaluate_all(tops)) == 1


def test_objectives_are_read_in_full(opened, workspace, kept):
    visit = opened(workspace, language="ru")
    visit.go(kept.path)
    assert visit.page.locator("#objective").evaluate(
        """(chosen) => {
          const free = chosen.cloneNode(true);
          free.style.width = "max-content";
          document.body.append(free);
          return chosen.offsetWidth >= free.offsetWidth;
        }"""
    )
