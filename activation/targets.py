"""The CRM that the settings name."""

from activation.csv_drop import CsvDrop
from activation.target import CrmTarget
from activation.tryton import Tryton
from contracts.clock import Clock
from contracts.errors import UserError
from settings import Settings


def target_of(settings: Settings, clock: Clock) -> CrmTarget:
    """Return the target of the write-back.

    Raises:
        UserError: if `crm_target` is unknown, or what it needs is not set.
    """
    if settings.crm_target == "csv":
        return CsvDrop(settings.home / "crm_drop", clock)
    if settings.crm_target == "tryton":
        if not settings.tryton_url:
            raise UserError("crm_target is tryton: set HEADWATER_TRYTON_URL too")
        return Tryton(settings.tryton_url, settings.tryton_user, settings.tryton_password)
    raise UserError(f"crm_target {settings.crm_target!r} is not known: it is csv or tryton")
