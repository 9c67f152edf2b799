"""One way of generating cases for all tests: the same every time, or thorough on request."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("ROMI_TEST_PROFILE", "steady"))
