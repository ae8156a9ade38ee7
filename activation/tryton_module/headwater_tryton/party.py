"""Parties with their engagement."""

from trytond.model import fields
from trytond.pool import PoolMeta


class Party(metaclass=PoolMeta):
    """A party, with the fields that Headwater writes."""

    __name__ = "party.party"

    headwater_engagement_score = fields.Char("Engagement Score")
    headwater_engagement_reasons = fields.Char("Engagement Reasons")
    headwater_engagement_as_of = fields.Char("Engagement As Of")
