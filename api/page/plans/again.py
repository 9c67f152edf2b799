"""The same question asked elsewhere: as a line for the shell, and as a Python script."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pprint import pformat
from typing import Any

WIDE = 88  # characters of a line of the script


def requests(
    address: str, model: str, scenario: Mapping[str, Any], *, with_keys: bool
) -> dict[str, str]:
    """The request that plans a scenario with a model, for this service.

    Parameters
    ----------
    address : str
        Where the service is reached, such as ``http://127.0.0.1:8321``.
    model : str
        The model's id.
    scenario : mapping
        The Scenario document.
    with_keys : bool
        Whether the service asks for a key; it is read from ``ROMI_KEY``.

    Examples
    --------
    >>> asked = requests("http://127.0.0.1:8321/", "mdl_1", {"periods": 13}, with_keys=True)
    >>> print(asked["curl"])
    curl -s http://127.0.0.1:8321/v1/recommendations \\
      -H "Authorization: Bearer $ROMI_KEY" \\
      -H "Content-Type: application/json" \\
      -d '{"model": "mdl_1", "scenario": {"periods": 13}}'
    """
    base = address.rstrip("/")
    return {
        "curl": _curl(base, model, scenario, with_keys=with_keys),
        "python": _python(base, model, scenario, with_keys=with_keys),
    }


def _curl(base: str, model: str, scenario: Mapping[str, Any], *, with_keys: bool) -> str:
    body = json.dumps({"model": model, "scenario": scenario}, ensure_ascii=False)
    lines = [f"curl -s {shlex.quote(f'{base}/v1/recommendations')}"]
    lines += ['-H "Authorization: Bearer $ROMI_KEY"'] if with_keys else []
    lines += ['-H "Content-Type: application/json"', f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def _python(base: str, model: str, scenario: Mapping[str, Any], *, with_keys: bool) -> str:
    stated = pformat(dict(scenario), width=WIDE, sort_dicts=False)
    key = ', os.environ["ROMI_KEY"]' if with_keys else ""
    return "\n".join(
        [
            *(["import os", ""] if with_keys else []),
            "from api.client import Client",
            "from optimizer import Scenario",
            "",
            f"scenario = Scenario.from_dict(\n{stated}\n)",
            f"with Client({base!r}{key}) as client:",
            f"    plan = client.plan(scenario, {model!r})",
            "print(plan.totals, plan.allocation)",
        ]
    )
