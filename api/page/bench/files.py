"""An answer of the workbench as a file to carry away."""

from __future__ import annotations

import re

from fastapi.responses import Response

from api.output import csv_text, json_text, to_cents
from api.page.bench.workbench import Answer, Bench

KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}


def file_of(bench: Bench, answer: Answer, kind: str) -> Response:
    """The answer as a workbook, a table, a document or a report."""
    from urllib.parse import quote

    name = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', " ", bench.fields.get("name", "")).strip() or "plan"
    stated = f"attachment; filename=\"plan.{kind}\"; filename*=UTF-8''{quote(f'{name}.{kind}')}"
    return Response(
        _content(bench, answer, kind),
        media_type=KINDS[kind],
        headers={"Content-Disposition": stated},
    )


def _content(bench: Bench, answer: Answer, kind: str) -> str | bytes:
    plan = answer.plan
    assert plan is not None
    if kind == "json":
        return json_text(plan.to_dict())
    if kind == "csv":
        return csv_text(to_cents(plan.to_dict()["allocation"]))
    from optimizer import Scenario, full_workbook

    scenario = Scenario.from_dict(answer.document)
    if kind == "xlsx":
        if plan.certificate is None:
            return plan.workbook(bench.model, scenario)
        return full_workbook(bench.model, scenario, plan)
    from api.page.plans.report import report_html

    return report_html(plan, bench.model, scenario, bench.language.code)
