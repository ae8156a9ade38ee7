"""Diagnostics that can say no: each looks for one way in which an effect may be another thing."""
