"""Kills whatever can be killed under a steady load, then counts what is stored."""
