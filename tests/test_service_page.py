"""The page about the service names every setting, and no other."""

import re
from pathlib import Path

from api.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "service.md"


def test_the_page_names_every_setting_and_its_default():
    rows = re.findall(r"^\| (ROMI_[A-Z_, ]+) \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    named = {}
    for names, defaults in rows:
        alike = names.split(", ")
        values = defaults.strip().split(", ") if len(alike) > 1 else [defaults.strip()]
        named |= dict(zip(alike, values, strict=True))
    fields = {f"ROMI_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert named.keys() == fields.keys()
    for name, shown in named.items():
        default = fields[name].default
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert float(shown) == default, name
