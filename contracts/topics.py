"""The log's topics, spelled here alone."""

from typing import Final, NamedTuple


class Topic(NamedTuple):
    """One topic of the log.

    Attributes:
        name: its name on every broker.
        retention_days: how long a record may stay; personal data lives no longer in the log.
    """

    name: str
    retention_days: int = 7


MAIL: Final = Topic("heard.mail")
CALLS: Final = Topic("heard.calls")
CRM: Final = Topic("heard.crm")
ACTIVITIES: Final = Topic("activities")
COMMANDS: Final = Topic("commands")
DEAD_LETTERS: Final = Topic("dead_letters", retention_days=30)

HEARD: Final = {"mail": MAIL, "call": CALLS, "crm": CRM}
"""The topic that an event of each kind is heard on."""

ALL: Final = (MAIL, CALLS, CRM, ACTIVITIES, COMMANDS, DEAD_LETTERS)

SEGMENT_DAYS: Final = 1
"""Kafka deletes a file of records at once, as late as the youngest of them: it holds a day's."""

LONGEST_DAYS: Final = max(topic.retention_days for topic in ALL) + SEGMENT_DAYS
"""By then no record is left of what the log holds today."""

GROUP: Final = "headwater"
"""The consumer group that the platform's workers form."""
