"""Computes a job once, in this process, where the UI's runs are kept as well."""

from collections.abc import Iterator
from typing import Final

import dagster as dg

from contracts.clock import Clock, SystemClock
from orchestration.definitions import build
from orchestration.instance import dagster_home
from settings import Settings

_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def materialize(
    settings: Settings, clock: Clock | None = None, job_name: str = "everything"
) -> list[str]:
    """Materialize a job's assets in order, with their checks; return what failed, and why.

    That is each asset that failed, and each check that is more than a warning. What hangs on a
    failed asset is left out, all else is computed; the UI, which shares the instance, has the logs.
    """
    definitions = build(settings, clock or SystemClock())
    job = definitions.resolve_job_def(job_name)
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        result = job.execute_in_process(run_config=_QUIET, instance=instance, raise_on_error=False)
    return [*failed_assets(result), *failed_checks(result)]


def failed_assets(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Yield the assets that failed: which, and why."""
    for event in result.get_step_failure_events():
        error = event.step_failure_data.error
        raised = error and (error.cause or error)  # Dagster wraps what the asset raised
        yield f"{event.node_name.replace('__', '.')}: {raised.message.strip() if raised else ''}"


def failed_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the checks that failed and are more than a warning: of what, which, and why."""
    return [
        f"{check.asset_key.to_user_string()}: {check.check_name}: "
        f"{check.description or check.metadata}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
