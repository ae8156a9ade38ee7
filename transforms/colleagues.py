"""Whose address is ours: by domain, by list, and by the mailboxes that we read."""

from functools import lru_cache

from contracts.company import Company
from contracts.free_mail import FREE_MAIL_DOMAINS
from transforms.address import belongs, domain_of, normalise


def is_ours(address: str, company: Company) -> bool:
    """Tell whether a normalised mail address is a colleague's."""
    listed = _normalised(company.own_addresses)
    return address in listed or belongs(domain_of(address), company.own_domains)


@lru_cache(maxsize=4_096)
def seen_from(company: Company, observer: str) -> Company:
    """Return the company as one of its mailboxes shows it: the mailbox's domain is ours too.

    So mail among colleagues is internal before anybody has listed a subsidiary's domain. A mailbox
    at a free-mail provider makes its own address ours, not its neighbours'.
    """
    address = normalise(observer)
    if not address or is_ours(address, company):
        return company
    domain = domain_of(address)
    if domain in FREE_MAIL_DOMAINS:
        return company.model_copy(update={"own_addresses": (*company.own_addresses, address)})
    return company.model_copy(update={"own_domains": (*company.own_domains, domain)})


@lru_cache(maxsize=64)
def _normalised(addresses: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(normalise, addresses))
