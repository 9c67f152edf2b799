"""Data on the page, without scripts: upload, put columns right by hand, keep, look, fit, delete."""

from __future__ import annotations

import json
import os
import re
import time

import httpx
import pandas as pd
import pytest

from api.serving import drafts
from tests.page.visiting import Reader, fields, reading, words
from tests.service import bad_files
from tests.service.running import Service, ended
from tests.test_history import long, wide

DRAFT = re.compile(r"/histories/drafts/[A-Za-z0-9_-]{32}")


def csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def upload(reader: Reader, *files: tuple[str, bytes], **typed: str) -> httpx.Response:
    """The answer to uploading files; what comes of a draft is its view."""
    sent = [("file", file) for file in files]
    return reader.follow("/histories", typed, files=sent)


def drafted(reader: Reader, table: pd.DataFrame, **typed: str) -> tuple[str, httpx.Response]:
    """The address of the draft a table became, and its view."""
    answer = upload(reader, ("shop.csv", csv(table)), **typed)
    assert DRAFT.fullmatch(answer.url.path), words(answer)
    return answer.url.path, answer


def kept(reader: Reader, table: pd.DataFrame | None = None) -> str:
    """The address of a kept history."""
    draft, view = drafted(reader, long() if table is None else table)
    answer = reader.post(f"{draft}/keep", fields(view, draft))
    assert answer.status_code == 303, words(answer)
    return answer.headers["location"]


def role(view: httpx.Response, column: str) -> str:
    """The field that says what a column is."""
    found = re.search(rf'for="(role-\d+-\d+)">What the column {re.escape(column)} is<', view.text)
    assert found is not None, f"there is no column {column}"
    return found[1]


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


def test_another_layout_is_guessed_anew_and_keeps_what_was_said_by_hand(service, workspace):
    table = long().rename(columns={"channel": "tactic", "revenue": "money"})
    with reading(service, workspace) as reader:
        draft, view = drafted(reader, table)
        said = fields(view, draft) | {"layout-0": "aggregate", role(view, "money"): "revenue"}
        view = reader.follow(draft, said)
        now = fields(view, draft)
        assert now["layout-0"] == "aggregate"
        assert now[role(view, "money")] == "revenue"
        assert "No column is the spend of a channel" in words(view)
        back = now | {"layout-0": "attributed", role(view, "tactic"): "ignored"}
        view = reader.follow(draft, back)
        assert "This can be kept" in words(
            reader.follow(draft, fields(view, draft) | {role(view, "tactic"): "channel"})
        )


@pytest.mark.parametrize(
    ("table", "change", "told"),
    [
        (wide(), ("tv_spend", "date"), "date, tv_spend are each said to be the date"),
        (wide(), ("revenue", "ignored"), "No column is the revenue"),
        (wide(), ("date", "ignored"), "No column is the date"),
        (long(), ("channel", "market"), "No column is the channel"),
        (wide().assign(sales=1), ("tv_spend", "channel_spend"), "revenue, sales could each be"),
    ],
    ids=["two dates", "no revenue", "no date", "no channel", "two revenues"],
)
def test_what_is_wrong_with_the_columns_is_told_and_kept_as_it_was_said(
    service, workspace, table, change, told
):
    column, said = change
    with reading(service, workspace) as reader:
        draft, view = drafted(reader, table)
        view = reader.post(f"{draft}/keep", fields(view, draft) | {role(view, column): said})
        assert view.status_code == 422
        assert fields(view, draft)[role(view, column)] == said
        assert told in words(view)
        assert told in words(reader.get(draft))


def test_two_columns_cannot_be_the_spend_of_one_channel(service, workspace):
    with reading(service, workspace) as reader:
        draft, view = drafted(reader, wide())
        named = role(view, "search_spend").replace("role", "channel")
        view = reader.post(draft, fields(view, draft) | {named: "tv"})
        assert view.status_code == 422
        assert "tv_spend, search_spend are each said to be the spend of tv" in words(view)


def test_controls_and_names_of_channels_are_said_by_hand(service, workspace):
    with reading(service, workspace) as reader:
        draft, view = drafted(reader, wide().assign(sale=[0, 1] * 20))
        named = role(view, "tv_spend").replace("role", "channel")
        said = fields(view, draft) | {role(view, "sale"): "control:promotion", named: "Television"}
        history = reader.follow(f"{draft}/keep", said)
        assert "Television" in words(history)
        assert "to explain revenue: sale" in words(history)


def test_several_files_are_joined(service, workspace):
    table = wide()
    with reading(service, workspace) as reader:
        files = [
            ("a.csv", csv(table.drop(columns="revenue"))),
            ("b.csv", csv(table[["date", "revenue"]])),
        ]
        view = upload(reader, *files)
        assert "This can be kept" in words(view)
        draft = view.url.path
        said = fields(view, draft) | {role(view, "revenue"): "ignored"}
        assert "None of the files has a column for the revenue" in words(reader.post(draft, said))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("x.pdf", b"%PDF-1.7\n", "is a PDF document"),
        ("x.csv", b"", "is empty"),
        ("x.json", b"{}", "is a JSON document"),
        ("x.csv", b"one column\n1\n2\n", "no table of at least two columns"),
        ("x.xlsx", b"PK\x03\x04broken", "damaged workbook"),
        ("x.parquet", b"PAR1broken", "damaged Parquet"),
        ("x.xlsx", bad_files.packed({"xl/a.xml": b"0" * (4 << 20)}), "expands to"),
    ],
)
def test_a_file_that_is_no_table_is_told_beside_the_field(service, workspace, name, data, told):
    with reading(service, workspace) as reader:
        answer = upload(reader, (name, data), name="Mine", currency="EUR")
        assert answer.status_code == 422
        beside = re.search(r'id="file-wrong">(.*?)</', answer.text, re.DOTALL)
        assert beside is not None
        assert told in beside[1]
        assert 'value="Mine"' in answer.text
        assert not DRAFT.search(answer.text)


def test_no_file_is_told_beside_the_field(service, workspace):
    with reading(service, workspace) as reader:
        for files in ([("file", ("", b""))], None):
            answer = reader.post("/histories", files=files)
            assert answer.status_code == 422
            assert "No file was chosen" in words(answer)


def test_faulty_cells_keep_the_draft_and_are_told_by_row_and_column(service, workspace):
    table = wide().astype(object)
    table.loc[3, "tv_spend"], table.loc[7, "date"] = "n/a", "yesterday"
    with reading(service, workspace) as reader:
        draft, view = drafted(reader, table)
        for shown in (view, reader.post(f"{draft}/keep", fields(view, draft))):
            assert "row 5, column “tv_spend”" in words(shown)
            assert "row 9, column “date”" in words(shown)
            assert "Must be mended" in words(shown)
        assert draft in reader.get("/histories").text


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8-sig", "Fernsehen"), ("cp1251", "телевидение"), ("gb18030", "电视广告")],
)
def test_names_of_any_encoding_come_out_right(service, workspace, encoding, name):
    table = long().replace("tv", name)
    with reading(service, workspace) as reader:
        view = upload(reader, ("shop.csv", table.to_csv(index=False).encode(encoding)))
        assert name in words(view)
        assert role(view, "date")


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


def test_a_discarded_draft_is_gone_and_odd_tokens_find_nothing(service, workspace):
    with reading(service, workspace) as reader:
        draft, _ = drafted(reader, long())
        assert reader.post(f"{draft}/discard").status_code == 303
        assert reader.get(draft).status_code == 404
        for token in ("x", "a" * 32, "a" * 41):
            assert reader.get(f"/histories/drafts/{token}").status_code in (404, 422)


def test_drafts_are_few_small_and_short_lived(service, workspace, monkeypatch):
    monkeypatch.setattr(drafts, "MOST_DRAFTS", 3)
    with reading(service, workspace) as reader:
        made = []
        for age in range(5):
            draft, _ = drafted(reader, long())
            made.append(draft)
            folder = _folder(service, draft)
            os.utime(folder, (time.time() - 100 + age,) * 2)
        assert [reader.get(draft).status_code for draft in made] == [404, 404, 200, 200, 200]
        os.utime(_folder(service, made[2]), (time.time() - drafts.LIVES_SECONDS - 60,) * 2)
        drafts.forget_old(service.desk)
        assert [reader.get(draft).status_code for draft in made[2:]] == [404, 200, 200]
        monkeypatch.setattr(drafts, "MOST_BYTES", 0)
        draft, _ = drafted(reader, long())
        assert [reader.get(one).status_code for one in (*made[3:], draft)] == [404, 404, 200]


def _folder(service: Service, draft: str):
    (found,) = (service.desk.settings.folder / "drafts").glob(f"*/{draft.rsplit('/', 1)[1]}")
    return found


def test_an_upload_that_is_too_large_is_told_as_a_page(service, workspace):
    with reading(service, workspace) as reader:
        answer = reader.client.post("/histories", content=b" " * (51 << 20))
        assert answer.status_code == 413
        assert "larger than 50 MB" in words(answer)
        assert "Not here" not in words(answer)


def test_a_refused_form_can_be_loaded_again(service, workspace):
    with reading(service, workspace) as reader:
        draft, _ = drafted(reader, long())
        history = kept(reader)
        assert reader.get(f"{draft}/keep").url.path == draft
        assert reader.get(f"{history}/fit").url.path == history
