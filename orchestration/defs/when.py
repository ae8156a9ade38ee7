"""When the assets are computed."""

import dagster as dg

from orchestration.defs.investments import TOGETHER
from orchestration.defs.plan import PLANNED
from settings import Settings

_RUNNING = dg.DefaultScheduleStatus.RUNNING
_ROI = dg.AssetSelection.assets(*(["ml", name] for name in TOGETHER))
_PLAN = dg.AssetSelection.assets(
    *(["ml", table] for table in PLANNED),
    ["marts", "investment_forecast"],
    ["marts", "allocation"],
)
_WRITE_BACK = dg.AssetSelection.assets(["raw", "crm_write"])
_ENGAGEMENT = dg.AssetSelection.assets(
    ["raw", "match"], ["live", "engagement_fact"], ["ml", "engagement_score"]
)
_MARTS = dg.AssetSelection.groups("staging", "marts")
_CAPTURE = dg.AssetSelection.checks_for_assets(["raw", "activity"], ["raw", "sighting"])

everything = dg.define_asset_job(
    "everything", dg.AssetSelection.all() | _CAPTURE, description="All of it, once, in order."
)
figures = dg.define_asset_job(
    "figures",
    (dg.AssetSelection.all() | _CAPTURE) - _WRITE_BACK,
    description="All but the write-back, once, in order.",
)


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Return the schedules, in the company's time zone."""
    plans = {
        "engagement": ("*/15 * * * *", _ENGAGEMENT),
        "marts": ("5 * * * *", _MARTS | _CAPTURE),
        "write_back": ("20 * * * *", _WRITE_BACK),
        "return_on_investment": ("30 2 * * *", _ROI.upstream() | _ROI),
        "plan": ("30 3 * * *", _PLAN),
    }
    return [
        dg.ScheduleDefinition(
            job=dg.define_asset_job(name, selection),
            cron_schedule=cron,
            execution_timezone=settings.company.time_zone,
            default_status=_RUNNING,
        )
        for name, (cron, selection) in plans.items()
    ]
