"""Hears the world: sources, the Faust app and its agents, dead letters, backfill."""
