"""Computes a job once, in this process, where the UI's runs are kept as well."""

import logging
from typing import Final

import dagster as dg

from contracts.clock import Clock, SystemClock
from orchestration.definitions import build
from orchestration.instance import dagster_home
from settings import Settings

_log = logging.getLogger(__name__)
_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


def materialize(
    settings: Settings, clock: Clock | None = None, job_name: str = "everything"
) -> bool:
    """Materialize a job's assets in order, with their checks; return whether all went well.

    False if an asset failed or was left out, or a check failed that is not merely a warning; the
    UI, which shares the instance, shows which and why.
    """
    definitions = build(settings, clock or SystemClock())
    job = definitions.resolve_job_def(job_name)
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        result = job.execute_in_process(run_config=_QUIET, instance=instance, raise_on_error=False)
    failed = failed_checks(result)
    for check in failed:
        _log.error("check failed: %s", check)
    return result.success and not failed


def failed_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the checks that failed and are more than a warning: of what, which, and why."""
    return [
        f"{check.asset_key.to_user_string()}: {check.check_name}: "
        f"{check.description or check.metadata}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
