"""Every route of the page."""

from __future__ import annotations

from api.page import home, jobs, models, signing
from api.page.bench import scenarios
from api.page.data import drafts, histories
from api.page.frame import assets
from api.page.plans import compare, kept

ROUTERS = (
    assets.router,
    signing.router,
    home.router,
    drafts.router,
    histories.router,
    jobs.router,
    models.router,
    scenarios.router,
    kept.router,
    compare.router,
)
