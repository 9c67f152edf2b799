"""Every route of the page."""

from __future__ import annotations

from api.page import (
    assets,
    compare,
    drafts,
    histories,
    home,
    jobs,
    models,
    plans,
    scenarios,
    signing,
)

ROUTERS = (
    assets.router,
    signing.router,
    home.router,
    drafts.router,
    histories.router,
    jobs.router,
    models.router,
    scenarios.router,
    plans.router,
    compare.router,
)
