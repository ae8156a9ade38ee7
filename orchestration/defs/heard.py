"""What others write: the tables of raw that the worker fills, and the live views over them."""

import dagster as dg

HEARD = {
    "raw": {
        "sighting": "What became of each event.",
        "activity": "E-mails, calls and meetings, once each.",
        "dead_letter": "Events that could not be carried out.",
        "account": "Companies, every version.",
        "contact": "People at them, every version.",
        "lead": "People who may buy, before they are contacts, every version.",
        "opportunity": "Deals, every version.",
        "contact_role": "Contacts' parts in deals, every version.",
        "stage_change": "Moves of deals from stage to stage.",
        "rep": "People who sell, every version.",
        "org_unit": "Teams, regions and territories.",
        "assignment": "Who belonged where, and when.",
        "quota": "What is expected to be booked.",
        "currency_rate": "Dated rates.",
        "investment": "Sales investments and what was asked of them.",
        "investment_cost": "What they cost by month.",
        "exposure": "Whom they reached, and when.",
        "proposal": "What could be invested in, before it is decided.",
        "attendance": "Who completed which course, as a learning system tells it.",
    },
    "live": {
        "account": "The accounts as they are.",
        "contact": "The contacts as they are.",
        "opportunity": "The deals as they are.",
        "match": "To whom each activity belongs; a person's choice wins.",
        "engagement": "The engagement score at any moment.",
    },
    "ml": {
        "engagement_weight": "The versioned weights of the engagement score.",
        "free_mail_domain": "The domains where anybody may have an address, which tell no company.",
    },
}
VIEWS = {
    "account": [["raw", "account"]],
    "contact": [["raw", "contact"]],
    "opportunity": [["raw", "opportunity"]],
    "match": [["raw", "match"]],
    "engagement": [
        ["raw", "activity"],
        ["live", "match"],
        ["live", "engagement_fact"],
        ["ml", "engagement_weight"],
    ],
}


def heard() -> list[dg.AssetSpec]:
    """Return a spec for each table that is not ours to materialize: for lineage alone."""
    return [
        dg.AssetSpec(
            key=[database, table],
            description=description,
            group_name=database,
            kinds={"clickhouse"},
            deps=VIEWS[table] if database == "live" else [],
        )
        for database, tables in HEARD.items()
        for table, description in tables.items()
    ]
