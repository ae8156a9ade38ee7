"""The log of one machine: Faust's transport over a durable SQLite file."""
