"""Parties with their engagement."""

from trytond.model import fields
from trytond.pool import PoolMeta


class Party(metaclass=PoolMeta):
    """A party, with the fields that Headwater writes."""

    __name__ = "party.party"

    # People see them read-only (view/); here readonly would keep Headwater from writing too.
    headwater_engagement_score = fields.Integer("Engagement Score")
    headwater_engagement_reasons = fields.Char("Engagement Reasons")
    headwater_engagement_as_of = fields.Date("Engagement As Of")
