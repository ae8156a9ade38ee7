"""The assets, their checks and when they run; an asset's key is its table's path."""
