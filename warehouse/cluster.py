"""The migrations for a ClickHouse cluster: the same statements, for every replica of one shard."""

import re
from typing import Final

_MADE: Final = re.compile(
    r"^((?:CREATE|CREATE OR REPLACE|ALTER|DROP) (?:DATABASE|TABLE|VIEW)"
    r"(?: IF NOT EXISTS| IF EXISTS)? [\w.]+)",
    re.MULTILINE,
)
_ENGINE: Final = re.compile(r"^ENGINE = (?=\w*MergeTree\b)", re.MULTILINE)


def replicated(sql: str, cluster: str) -> str:
    """Return a migration with every object made `ON CLUSTER` and every table's engine replicated.

    The path in Keeper and the replica's name come from the server's `default_replica_path` and
    `default_replica_name`. What is inserted is replicated by the tables.

    Args:
        sql: statements as `warehouse/migrations` has them, each beginning a line.
        cluster: a name in the servers' `remote_servers`.
    """
    made = _MADE.sub(rf"\1 ON CLUSTER {cluster}", sql)
    return _ENGINE.sub("ENGINE = Replicated", made)
