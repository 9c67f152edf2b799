"""Data on the page, without scripts: upload, keep, look, fit, delete."""

from __future__ import annotations

import html
import json
import re

import pandas as pd
import pytest

from tests.page.data.uploads import DRAFT, csv, drafted, kept, role, upload
from tests.page.visiting import fields, reading, words
from tests.service.running import Service, ended
from tests.test_history import long, wide


def test_from_a_wrongly_named_column_to_curves(service: Service, workspace: str):
    with reading(service, workspace) as reader:
        table = wide(60).rename(columns={"revenue": "money in"})
        draft, view = drafted(reader, table, currency="EUR", name="Own shop")
        assert "No column is the revenue" in words(view)

        corrected = fields(view, draft) | {role(view, "money in"): "revenue"}
        view = reader.follow(draft, corrected)
        assert view.status_code == 200
        assert "This can be kept" in words(view)

        history = reader.follow(f"{draft}/keep", fields(view, draft))
        assert re.fullmatch(r"/histories/hst_\w+", history.url.path)
        assert "Own shop" in words(history)
        assert "60 weeks" in words(history)
        assert reader.get(draft).status_code == 404

        fit = f"{history.url.path}/fit"
        job = reader.post(fit, fields(history, fit)).headers["location"]
        with service.client(workspace=workspace) as client:
            done = ended(client, job.removeprefix("/jobs/"))
        model = reader.get(f"/models/{done['result']['model']}")
        assert model.status_code == 200
        assert "Response curves" in words(model)
        assert "current" in words(model)


def test_the_empty_view_teaches_both_layouts_by_examples_that_can_be_kept(service, workspace):
    with reading(service, workspace) as reader:
        shown = reader.get("/histories")
        assert "Revenue known by channel" in words(shown)
        assert "Revenue known in total" in words(shown)
        for layout in ("attributed", "aggregate"):
            example = reader.get(f"/histories/examples/{layout}.csv")
            assert "attachment" in example.headers["content-disposition"]
            view = upload(reader, ("example.csv", example.content))
            assert "This can be kept" in words(view)
        assert reader.get("/histories/examples/other.csv").status_code == 404


def test_names_cannot_break_out_of_the_page(service, workspace):
    nasty = "</script><script>alert`x`</script>"
    with reading(service, workspace) as reader:
        table = wide().rename(columns={"tv_spend": f"{nasty} spend"})
        draft, view = drafted(reader, table, name=nasty)
        history = reader.follow(f"{draft}/keep", fields(view, draft))
        assert history.status_code == 200
        for shown in (view, history, reader.get("/histories")):
            assert "<script>alert" not in shown.text
        series = re.search(r'id="series">(.*?)</script>', history.text)
        assert series is not None
        assert nasty in [one["name"] for one in json.loads(series[1])["spend"]]


def test_a_history_is_shown_with_its_course_and_its_findings(service, workspace):
    table = wide(60)
    table.loc[20, "revenue"] = 80_000
    with reading(service, workspace) as reader:
        shown = reader.get(kept(reader, table))
        assert "Look at these" in words(shown)
        series = json.loads(re.search(r'id="series">(.*?)</script>', shown.text)[1])  # type: ignore[index]
        assert len(series["dates"]) == len(series["revenue"]) == 60
        assert {one["name"] for one in series["spend"]} == {"tv", "search"}
        assert sum(one["values"][0] for one in series["spend"]) == pytest.approx(
            table["tv_spend"][0] + table["search_spend"][0]
        )


def test_many_channels_and_markets_are_added_up(service, workspace):
    table = pd.concat(
        long(cents=True).assign(channel=f"c{i}", region=region, spend=10.0 + i, revenue=30.0)
        .drop_duplicates("date")
        for i in range(14)
        for region in ("north", "south")
    )  # fmt: skip
    with reading(service, workspace) as reader:
        shown = reader.get(kept(reader, table))
        series = json.loads(re.search(r'id="series">(.*?)</script>', shown.text)[1])  # type: ignore[index]
        assert [one["name"] for one in series["spend"]] == [f"c{i}" for i in range(13, 3, -1)] + [
            None
        ]
        assert series["spend"][-1]["values"][0] == pytest.approx(2 * (10 + 11 + 12 + 13))
        assert "4 more channels" in words(shown)


def test_lift_tests_come_from_a_table_and_faulty_ones_are_told(service, workspace):
    tests = pd.DataFrame(
        [{"channel": "tv", "start": "2024-02-05", "end": "2024-03-31", "spend_control": 100.0,
          "spend_test": 0.0, "lift": -200.0, "standard_error": 30.0}]
    )  # fmt: skip
    with reading(service, workspace) as reader:
        history = kept(reader)
        sent = {"lift_tests": ("tests.csv", csv(tests))}
        assert reader.post(f"{history}/fit", {"name": "a"}, files=sent).status_code == 303
        sent = {"lift_tests": ("tests.csv", csv(tests.assign(channel="radio")))}
        answer = reader.post(f"{history}/fit", {"name": "b"}, files=sent)
        assert answer.status_code == 422
        assert "radio" in words(answer)
        assert 'value="b"' in answer.text


def test_a_name_that_no_body_may_have_is_the_senders_fault(service, workspace):
    with reading(service, workspace) as reader:
        answer = reader.post(f"{kept(reader)}/fit", {"name": "a\x07b"})
        assert answer.status_code == 422, answer.text


def test_what_is_known_beforehand_goes_into_the_fit(service, workspace):
    known = 'incrementality: {"tv": [0.7, 0.2]}'
    with reading(service, workspace) as reader, service.client(workspace=workspace) as client:
        sent = reader.post(f"{kept(reader)}/fit", {"name": "a", "known": known})
        job = ended(client, sent.headers["location"].rpartition("/")[2])
        assert job["status"] == "succeeded", job
        model = client.get(f"/v1/models/{job['result']['model']}/document").json()
        stated = {one["channel"]: one.get("incrementality") for one in model["channels"]}
        assert stated["tv"] == [0.7, 0.2]


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("incrementality: [", "not valid YAML"),
        ("prior: {}", "<code>/fit/prior</code>: unknown key"),
        ("incrementality: {tv: 0.7}", "incrementality"),
        ("- 1", "the top level must be keys"),
    ],
)
def test_what_cannot_be_known_is_told_beside_the_field(service, workspace, known, told):
    with reading(service, workspace) as reader:
        answer = reader.post(f"{kept(reader)}/fit", {"name": "b", "known": known})
        assert answer.status_code == 422
        beside = re.search(r'id="known-wrong">(.*?)</div>', answer.text, re.DOTALL)
        assert beside is not None
        assert told in beside[1]
        assert known in html.unescape(answer.text)


@pytest.mark.parametrize("seed", ["-1", "one", "1.5", "9" * 30, "٣"])
def test_a_seed_that_is_none_is_told_beside_the_field(service, workspace, seed):
    with reading(service, workspace) as reader:
        answer = reader.post(f"{kept(reader)}/fit", {"name": "a", "seed": seed})
        assert answer.status_code == 422
        assert "A seed is a whole number" in words(answer)


def test_a_deleted_history_is_gone(service, workspace):
    with reading(service, workspace) as reader:
        history = kept(reader)
        assert reader.post(f"{history}/delete").status_code == 303
        assert reader.get(history).status_code == 404


def test_another_workspace_finds_neither_drafts_nor_histories(service, workspace):
    with reading(service, workspace) as reader, reading(service, f"{workspace}-other") as other:
        draft, view = drafted(reader, long())
        history = kept(reader)
        for path in (draft, history):
            assert other.get(path).status_code == 404
        for path in (
            draft,
            f"{draft}/keep",
            f"{draft}/discard",
            f"{history}/fit",
            f"{history}/delete",
        ):
            assert other.post(path, fields(view, draft)).status_code == 404
        assert reader.get(draft).status_code == reader.get(history).status_code == 200
        assert not DRAFT.search(other.get("/histories").text)


def test_a_form_without_its_token_is_refused(service, workspace):
    with reading(service, workspace) as reader:
        draft, view = drafted(reader, long())
        history = kept(reader)
        reader.token = "0" * 64
        sent = fields(view, draft)
        for path in ("/histories", draft, f"{draft}/keep", f"{draft}/discard",
                     f"{history}/fit", f"{history}/delete"):  # fmt: skip
            assert reader.post(path, sent).status_code == 403, path
        assert reader.get(draft).status_code == reader.get(history).status_code == 200


def test_a_key_that_may_only_read_looks_and_changes_nothing(service, workspace):
    with reading(service, workspace) as writer, reading(service, workspace, "read") as reader:
        draft, _ = drafted(writer, long())
        history = kept(writer)
        for path in ("/histories", draft, history):
            assert reader.get(path).status_code == 200
        assert 'type="file"' not in reader.get("/histories").text
        assert upload(reader, ("shop.csv", csv(long()))).status_code == 403
        for path in (
            draft,
            f"{draft}/keep",
            f"{draft}/discard",
            f"{history}/fit",
            f"{history}/delete",
        ):
            assert reader.post(path).status_code == 403


def test_a_refused_form_can_be_loaded_again(service, workspace):
    with reading(service, workspace) as reader:
        draft, _ = drafted(reader, long())
        history = kept(reader)
        assert reader.get(f"{draft}/keep").url.path == draft
        assert reader.get(f"{history}/fit").url.path == history
