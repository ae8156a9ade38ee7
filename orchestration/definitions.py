"""What Dagster serves: `dagster … -m orchestration.definitions` finds `defs`."""

import dagster as dg

from contracts.clock import Clock, SystemClock
from orchestration.dbt import Dbt
from orchestration.defs import capture, engagement, investments, matching, plan, when, write_back
from orchestration.defs.heard import heard
from orchestration.defs.transforms import dbt_assets
from orchestration.resources import resources
from settings import Settings, load


def build(settings: Settings, clock: Clock) -> dg.Definitions:
    """Return all that a deployment computes, and when."""
    return dg.Definitions(
        assets=[
            *heard(),
            *dbt_assets(Dbt(settings).manifest()),
            matching.match,
            engagement.engagement_fact,
            engagement.engagement_score,
            investments.investment_judgement,
            plan.plan,
            write_back.crm_write,
        ],
        asset_checks=[
            capture.something_was_heard_lately,
            capture.every_sighting_has_its_outcome,
            capture.no_mail_is_missing,
            engagement.reasons_sum_to_the_score,
            engagement.batch_score_is_the_live_score,
            investments.every_investment_has_a_judgement,
            plan.forecast_intervals_are_ordered,
            plan.forecasts_are_the_sum_of_their_parts,
            plan.no_allocation_breaks_a_rule,
            plan.a_total_is_the_sum_of_its_allocations,
            investments.intervals_hold_their_estimate,
            investments.verdicts_agree_with_their_intervals,
            investments.panels_have_their_hash,
            investments.explanations_add_up,
            write_back.the_crm_took_every_field,
        ],
        jobs=[when.everything, when.figures],
        schedules=when.schedules(settings),
        resources=resources(settings, clock),
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the deployment that the environment describes."""
    return build(load(), SystemClock())
