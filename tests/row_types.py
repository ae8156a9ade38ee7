"""Every row type of every module of contracts."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import contracts
from contracts.rows import Row

OWN_DATABASES = ("raw", "ml")

for module in iter_modules(contracts.__path__):
    import_module(f"contracts.{module.name}")  # a subclass is known once its module is imported


def row_types(of: type[Row] = Row) -> Iterator[type[Row]]:
    """The row types that have a table of ours, also those that derive from another."""
    for sub in of.__subclasses__():
        is_ours = sub.__module__.startswith("contracts.")
        if is_ours and vars(sub).get("table", "").startswith(OWN_DATABASES):
            yield sub
        yield from row_types(sub)
