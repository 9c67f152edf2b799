"""Every route of the page."""

from __future__ import annotations

from api.page import assets, drafts, histories, home, jobs, plans, scenarios, signing

ROUTERS = (
    assets.router,
    signing.router,
    home.router,
    drafts.router,
    histories.router,
    jobs.router,
    scenarios.router,
    plans.router,
)
