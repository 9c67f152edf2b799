"""Uploads on the page, without scripts: what is wrong is told, columns are put right by hand."""

from __future__ import annotations

import os
import re
import time

import pytest

from api.serving import drafts
from tests.page.data.uploads import DRAFT, csv, drafted, role, upload
from tests.page.visiting import fields, reading, words
from tests.service import bad_files
from tests.service.running import Service
from tests.test_history import long, wide


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
