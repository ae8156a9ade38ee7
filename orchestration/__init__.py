"""Decides when: Dagster definitions over the other rooms."""
