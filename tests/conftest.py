"""Fixtures that every test may use, each in a module of its own."""

pytest_plugins = [
    "tests.dovecot",
    "tests.kafka",
    "tests.tryton",
    "tests.warehouse_server",
    "tests.warehouse_tables",
]
