"""Parties with their engagement."""

from trytond.model import fields
from trytond.pool import PoolMeta


class Party(metaclass=PoolMeta):
    """A party, with the fields that Headwater writes."""

    __name__ = "party.party"

    headwater_engagement_score = fields.Char("Engagement Score", readonly=True)
    headwater_engagement_reasons = fields.Char("Engagement Reasons", readonly=True)
    headwater_engagement_as_of = fields.Char("Engagement As Of", readonly=True)
