"""Fixtures that every test may use, each in a module of its own. No property fails by the clock."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.dovecot",
    "tests.kafka",
    "tests.tryton",
    "tests.warehouse_server",
    "tests.warehouse_tables",
]
