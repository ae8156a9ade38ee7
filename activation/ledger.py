"""What the write-back's ledger remembers."""

from typing import Final

from activation.writeback import Noted
from warehouse.reader import Reader

_NOTED: Final = """
    SELECT object_id, field, argMax(new_value, written_at) AS value
    FROM raw.crm_write FINAL
    WHERE target = %(target)s
        AND object_type = %(object_type)s
        AND outcome IN ('written', 'unchanged')
    GROUP BY object_id, field
"""


def noted(reader: Reader, target: str, object_type: str) -> Noted:
    """Return what fields held of ours in the CRM when we last wrote or looked."""
    frame = reader.frame(_NOTED, {"target": target, "object_type": object_type})
    return {
        (object_id, field): value
        for object_id, field, value in frame.itertuples(index=False, name=None)
    }
