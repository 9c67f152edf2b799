"""Every route of the page."""

from __future__ import annotations

from api.page import assets, drafts, histories, home, scenarios, signing

ROUTERS = (
    assets.router,
    signing.router,
    home.router,
    drafts.router,
    histories.router,
    scenarios.router,
)
