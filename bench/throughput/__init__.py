"""How fast events travel from the log to the warehouse: ours beside the limit and the peers."""
