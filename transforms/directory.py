"""The CRM indexed for matching: who had which address when, whose a domain is, what was open."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Final, NamedTuple

from contracts.company import Company
from contracts.crm_rows import (
    AccountRow,
    ContactRoleRow,
    ContactRow,
    LeadRow,
    OpportunityRow,
    RepRow,
)
from contracts.matching import MatchRules
from transforms.address import belongs, domain_of, normalise, untagged
from transforms.deals import Deal, lives
from transforms.domains import company_domain, upwards
from transforms.leads import Leads
from transforms.naming import Name, Names, words
from transforms.phones import e164
from transforms.versions import histories, stood

PARTNER: Final = "partner"
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


class Found(NamedTuple):
    """What one rule found in one address.

    Attributes:
        rule: `contact`, `lead`, `domain`, `parent_domain` or `signature`.
    """

    account_id: str
    contact_id: str
    evidence: str
    rule: str = "contact"


class _Held(NamedTuple):
    """An address while it was a contact's: from `since` until `until`, half-open."""

    since: datetime
    until: datetime
    contact: ContactRow


class Directory:
    """The accounts, contacts, leads, deals and reps of the CRM, every version, for matching.

    The order in which rows are given makes no difference. A record whose newest version is deleted
    is not there. Left out are addresses, numbers and domains of our own, and free-mail domains and
    public suffixes, which say nothing of a company; and contacts whose account the CRM does not
    hold.

    Args:
        aliases: the address of each number that one person's signatures have.

    Attributes:
        crm_version: the newest CRM change that is in it.
    """

    def __init__(  # noqa: PLR0913 one argument a table
        self,
        accounts: Iterable[AccountRow],
        contacts: Iterable[ContactRow],
        company: Company,
        crm_version: datetime,
        *,
        leads: Iterable[LeadRow] = (),
        opportunities: Iterable[OpportunityRow] = (),
        contact_roles: Iterable[ContactRoleRow] = (),
        reps: Iterable[RepRow] = (),
        aliases: Mapping[str, str] | None = None,
        rules: MatchRules | None = None,
    ) -> None:
        self.crm_version = crm_version
        self.rules = rules or MatchRules()
        self._company = company
        self._aliases = aliases or {}
        region = company.phone_region
        self._own_numbers = {e164(number, region) for number in company.own_numbers}
        self._versions = histories(accounts, "account_id")
        self._accounts = {key: versions[-1] for key, versions in self._versions.items()}
        self._contacts = histories(contacts, "contact_id")
        self._by_address = self._address_index()
        self._by_domain = self._domain_index()
        self._leads = Leads(
            self._lead_index(leads), self._contacts, self._accounts, self._by_domain
        )
        self._mailbox = {
            key: normalise(versions[-1].email)
            for key, versions in histories(reps, "rep_id").items()
        }
        deals = [*histories(opportunities, "opportunity_id").values()]
        sold = {tuple(words(name)) for versions in deals for v in versions for name in v.products}
        self._products = frozenset(sold - {()})
        self._deals: Mapping[str, list[Deal]] = lives(
            deals,
            company,
            self._mailbox,
            _by_deal(contact_roles),
            {key: account.name for key, account in self._accounts.items()},
            self._products,
        )
        known = [deal for deals in self._deals.values() for deal in deals]
        self._kinds = frozenset(name for deal in known for name in deal.kinds)
        called = (name for deal in known for name in deal.names | deal.numbers)
        self._names = Names((*called, *self._products, *self._kinds))

    def learn(self, aliases: Mapping[str, str]) -> None:
        """Take other numbers in signatures for those that it was given."""
        self._aliases = aliases

    def by_contact(self, address: str, at: datetime = _FOR_EVER) -> Iterator[Found]:
        """Yield the accounts that the contacts with this address or number had at a moment."""
        for known in self._spellings(address):
            for held in self._by_address.get(known, ()):
                if held.since <= at < held.until:
                    contact = held.contact
                    evidence = f"{known} is an address of {contact.name or contact.contact_id}"
                    yield Found(contact.account_id, contact.contact_id, evidence)

    def by_lead(self, address: str, at: datetime = _FOR_EVER) -> Iterator[Found]:
        """Yield the accounts that the leads with this address or number tell of (`Leads.told`).

        Where the address's own domain is that of others alone, a lead tells nothing.
        """
        for known in filter(self._leads.__contains__, self._spellings(address)):
            at_domain = {found.account_id for found in self.by_domain(address)}
            for lead, (account_id, contact_id, why) in self._leads.told(known, at):
                if not at_domain or account_id in at_domain:
                    told = f"{known} is an address of the lead {lead.name or lead.lead_id}, {why}"
                    yield Found(account_id, contact_id, told, "lead")

    def by_domain(self, address: str) -> Iterator[Found]:
        """Yield the accounts with this address's domain, or the nearest domain above it."""
        domain = domain_of(address)
        for known in upwards(domain):
            if accounts := self._by_domain.get(known, ()):
                rule = "domain" if known == domain else "parent_domain"
                for account_id in accounts:
                    yield Found(account_id, "", f"{address} is at {known}", rule)
                return

    def by_signature(self, number: str, at: datetime = _FOR_EVER) -> Iterator[Found]:
        """Yield the accounts of the person whose signatures alone have this number."""
        if signer := self._aliases.get(number):
            found = [*self.by_contact(signer, at)] or self.by_domain(signer)
            for account_id, contact_id, told, _ in found:
                evidence = f"{number} is in the signatures of {signer}; {told}"
                yield Found(account_id, contact_id, evidence, "signature")

    def person(self, address: str, at: datetime) -> str:
        """Return the contact with this address, else the address: what tells people apart."""
        signer = self._aliases.get(address, address) if self.rules.signature else address
        leads = self.by_lead(address, at) if self.rules.lead else ()
        hits = chain(self.by_contact(address, at), self.by_contact(signer, at), leads)
        return next((hit.contact_id for hit in hits if hit.contact_id), untagged(signer))

    def people(self, addresses: Iterable[str], at: datetime) -> frozenset[str]:
        """Return who these addresses were at a moment."""
        return frozenset(self.person(address, at) for address in addresses)

    def deals(self, account_id: str) -> Sequence[Deal]:
        """Return the account's deals, every one that the CRM holds."""
        return self._deals.get(account_id, ())

    def named(self, account_id: str, text: str) -> frozenset[Name]:
        """Return the names of the account's deals, products and kinds that stand in a text."""
        found = self._names.found_in(text) if text else frozenset()
        if not found:
            return found
        deals = self.deals(account_id)
        own = {name for deal in deals for name in deal.names | deal.numbers}
        return found & (own | self._products | self._kinds)

    def kinds(self, named: frozenset[Name]) -> frozenset[Name]:
        """Return, of some names, the products with a kind of deal."""
        return named & self._kinds

    def name(self, account_id: str) -> str:
        """Return how a person knows the account."""
        account = self._accounts.get(account_id)
        return account.name if account else account_id

    def holds(self, account_id: str) -> bool:
        """Tell whether the CRM holds the account."""
        return account_id in self._accounts

    def is_partner(self, account_id: str) -> bool:
        """Tell whether the account helps to sell rather than buys."""
        return self._accounts[account_id].account_type.strip().lower() == PARTNER

    def parent(self, account_id: str) -> str:
        """Return the account above; empty where there is none."""
        return self._accounts[account_id].parent_account_id

    def owner(self, account_id: str, at: datetime) -> str:
        """Return the mail address of who owned the account at a moment; empty for nobody."""
        return self._mailbox.get(stood(self._versions[account_id], at).owner_rep_id, "")

    def _spellings(self, address: str) -> Iterable[str]:
        return dict.fromkeys((address, untagged(address)))

    def _lead_index(self, leads: Iterable[LeadRow]) -> Mapping[str, list[LeadRow]]:
        """Return the leads with each address, as they are now."""
        index: dict[str, list[LeadRow]] = defaultdict(list)
        for _, versions in sorted(histories(leads, "lead_id").items()):
            for address in sorted(self._addresses(versions[-1])):
                index[address].append(versions[-1])
        return index

    def _address_index(self) -> Mapping[str, list[_Held]]:
        index: dict[str, list[_Held]] = defaultdict(list)
        for _, versions in sorted(self._contacts.items()):
            for address, held in self._holdings(versions):
                if held.contact.account_id in self._accounts:
                    index[address].append(held)
        return index

    def _holdings(self, versions: Sequence[ContactRow]) -> Iterator[tuple[str, _Held]]:
        """Yield each address of a contact with each span in which it was theirs.

        The first span reaches back for ever: who was entered late had the address before.
        """
        seen: set[str] = set()
        ends = [version.knowable_at for version in versions[1:]] + [_FOR_EVER]
        for version, until in zip(versions, ends, strict=True):
            for address in sorted(self._addresses(version)):
                since = version.knowable_at if address in seen else _ALWAYS
                seen.add(address)
                yield address, _Held(since, until, version)

    def _addresses(self, person: ContactRow | LeadRow) -> set[str]:
        emails = {normalise(email) for email in person.emails}
        numbers = {e164(phone, self._company.phone_region) for phone in person.phones}
        theirs = {email for email in emails if not self._is_own(domain_of(email))}
        return (theirs | (numbers - self._own_numbers)) - {""}

    def _domain_index(self) -> Mapping[str, list[str]]:
        index: dict[str, list[str]] = defaultdict(list)
        for account_id, account in sorted(self._accounts.items()):
            for domain in {company_domain(domain) for domain in account.domains}:
                if domain and not self._is_own(domain):
                    index[domain].append(account_id)
        return index

    def _is_own(self, domain: str) -> bool:
        return belongs(domain, self._company.own_domains)


def _by_deal(roles: Iterable[ContactRoleRow]) -> Mapping[str, frozenset[str]]:
    """Return the contacts with a role in each deal; one that was taken away is not there."""
    newest: dict[tuple[str, str], ContactRoleRow] = {}
    for role in sorted(roles, key=lambda role: role.knowable_at):
        newest[role.opportunity_id, role.contact_id] = role
    by_deal: dict[str, set[str]] = defaultdict(set)
    for (opportunity_id, contact_id), role in newest.items():
        if not role.is_deleted:
            by_deal[opportunity_id].add(contact_id)
    return {deal: frozenset(people) for deal, people in by_deal.items()}
