"""What the write-back's ledger remembers."""

from typing import Final

from activation.writeback import OWN_FIELD, Noted
from warehouse.reader import Reader

_NOTED: Final = """
    SELECT object_id, field, argMax(new_value, written_at) AS value
    FROM raw.crm_write FINAL
    WHERE target = %(target)s
        AND object_type = %(object_type)s
        AND rule = %(rule)s
        AND outcome IN ('written', 'unchanged')
    GROUP BY object_id, field
"""


def noted(reader: Reader, target: str, object_type: str) -> Noted:
    """Return what own fields held in the CRM when we last wrote or looked."""
    params = {"target": target, "object_type": object_type, "rule": OWN_FIELD}
    frame = reader.frame(_NOTED, params)
    return {
        (object_id, field): value
        for object_id, field, value in frame.itertuples(index=False, name=None)
    }
