"""Whose a mail domain is: the registered part, and whether it names one company."""

from functools import lru_cache
from typing import Final

import tldextract

from contracts.free_mail import FREE_MAIL_DOMAINS
from transforms.address import ascii_domain

# The list of public suffixes that comes with the package: nothing is fetched, nothing is cached.
_suffixes: Final = tldextract.TLDExtract(
    suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
)


def company_domain(domain: str) -> str:
    """Return a CRM's website or domain field as a bare domain; empty if it names no one company."""
    host = _host(domain)
    return host if says_who(host) else ""


@lru_cache(maxsize=50_000)
def says_who(domain: str) -> bool:
    """Tell whether a domain names one company: no free mail, no public suffix, no bare host."""
    registered = registered_domain(domain)
    return bool(registered) and FREE_MAIL_DOMAINS.isdisjoint({domain, registered})


@lru_cache(maxsize=50_000)
def upwards(domain: str) -> tuple[str, ...]:
    """Return a domain and those above it, down to the one that was registered."""
    registered = registered_domain(domain)
    found = []
    while registered and domain.endswith(registered):
        found.append(domain)
        if domain == registered:
            break
        domain = domain.partition(".")[2]
    return tuple(found)


def registered_domain(domain: str) -> str:
    """Return the part of a domain that somebody registered: one label below its public suffix.

    Where the list has no rule, its default holds: the suffix is the last label. Empty for a suffix
    itself, a bare host and an IP address.
    """
    parts = _suffixes.extract_str(domain)
    if parts.suffix or parts.ipv4 or parts.ipv6:
        return parts.top_domain_under_public_suffix
    return ".".join(domain.split(".")[-2:]) if "." in domain else ""


def _host(domain: str) -> str:
    """Return a CRM's website or domain field as a bare domain: no scheme, path, port or `www.`."""
    host = domain.strip().lower().partition("://")[2] or domain.strip().lower()
    host = host.partition("/")[0].rpartition("@")[2].partition(":")[0]
    return ascii_domain(host.removeprefix("www."))
