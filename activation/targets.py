"""The CRM that the settings name."""

from activation.csv_drop import CsvDrop
from activation.target import CrmTarget
from activation.tryton import Tryton
from contracts.clock import Clock
from contracts.errors import UserError
from settings import Settings


def target_of(settings: Settings, clock: Clock) -> CrmTarget | None:
    """Return the target of the write-back; None where it is csv and nobody made its folder yet.

    Raises:
        UserError: if `crm_target` is unknown, or what it needs is not set.
    """
    if settings.crm_target == "csv":
        folder = settings.home / "crm_drop"
        return CsvDrop(folder, clock) if folder.is_dir() else None
    if settings.crm_target == "tryton":
        if not settings.tryton_url:
            raise UserError("crm_target is tryton: set HEADWATER_TRYTON_URL too")
        return Tryton(settings.tryton_url, settings.tryton_user, settings.tryton_password)
    raise UserError(f"crm_target {settings.crm_target!r} is not known: it is csv or tryton")
