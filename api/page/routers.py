"""Every route of the page."""

from __future__ import annotations

from api.page import assets, home, scenarios, signing

ROUTERS = (assets.router, signing.router, home.router, scenarios.router)
