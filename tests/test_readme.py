"""What the README shows is what the commands print."""

from __future__ import annotations

import re

import pytest

from docs.examples import CONSOLE, README, ROOT, output_of

TEXT = README.read_text(encoding="utf-8")
MACHINES_DIFFER_BY = 0.02  # of a figure: libraries of linear algebra round differently
NUMBER = re.compile(r"[−+]?\d[\d,]*\.?\d*")


def _figures(text: str) -> list[float]:
    return [float(word.replace(",", "").replace("−", "-")) for word in NUMBER.findall(text)]


@pytest.mark.parametrize("block", list(CONSOLE.finditer(TEXT)), ids=lambda block: block["command"])
def test_an_example_shows_what_its_command_prints(
    block: re.Match[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    printed = output_of(block["command"])
    wording = [" ".join(NUMBER.sub("#", text).split()) for text in (printed, block["output"])]
    assert wording[0] == wording[1], "run `python -m docs.examples`"
    assert _figures(printed) == pytest.approx(
        _figures(block["output"]), rel=MACHINES_DIFFER_BY, abs=MACHINES_DIFFER_BY
    )


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for program in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(program, "README.md", "exec"), {})


def test_there_is_an_example_and_every_link_leads_somewhere() -> None:
    assert CONSOLE.search(TEXT)
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target
