"""Fixtures that every test may use, each in a module of its own."""

pytest_plugins = ["tests.warehouse_server"]
