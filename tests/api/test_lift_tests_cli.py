"""`romi fit --lift-tests` and `history.lift_tests`: the same rows, the same words."""

import json
from pathlib import Path

import pytest

from tests.api.conftest import Romi

HEADER = "channel,start,end,spend_control,spend_test,lift,standard_error\n"
SOUND = "tv,2024-06-03,2024-06-30,120,0,-200,30\n"


def said_by_tests(content: dict) -> list[dict]:
    return [entry for entry in content["fit"]["diagnostics"] if entry["code"] == "lift_test"]


def test_a_fit_says_what_each_test_found_and_keeps_their_hash(romi: Romi, folder: Path) -> None:
    (folder / "tests.csv").write_text(HEADER + SOUND)
    result = romi("fit", "history.csv", "--lift-tests", "tests.csv", "--json", "--quiet")
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    (said,) = said_by_tests(content)
    assert said["figures"]["lift"] == -200.0
    assert content["fit"]["lift_tests"].startswith("sha256:")
    (folder / "fit.yaml").write_text(
        "history: {file: history.csv, lift_tests: tests.csv}\nperiods: 10\n"
    )
    named = romi("fit", "fit.yaml", "--json", "--quiet")
    assert json.loads(named.stdout)["channels"] == content["channels"]
    shown = romi("fit", "fit.yaml", "--quiet")
    assert "The test of tv from 2024-06-03 found a lift" in " ".join(shown.stdout.split())
    assert romi("plan", "fit.yaml", "--quiet").exit_code == 0


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("serach,2024-06-03,2024-06-30,120,0,-200,30\n", 'did you mean "search"?'),
        ("tv,2024-06-03,2024-06-30,120,0,-200,0\n", "above 0"),
        ("tv,2034-06-03,2034-06-30,120,0,-200,30\n", "outside the history"),
        ("tv,2024-06-03,2024-06-30,many,0,-200,30\n", "not a number"),
        ("", "no lift tests"),
    ],
)
def test_bad_tests_end_in_a_sentence(romi: Romi, folder: Path, row: str, words: str) -> None:
    (folder / "tests.csv").write_text(HEADER + row)
    result = romi("fit", "history.csv", "--lift-tests", "tests.csv", "--quiet")
    assert result.exit_code == 3
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
