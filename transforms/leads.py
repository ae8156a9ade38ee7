"""Leads by address: the account that each tells of, and the contact that it became."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from contracts.crm_rows import ContactRow, LeadRow
from transforms.address import domain_of
from transforms.domains import company_domain
from transforms.versions import stood


class Told(NamedTuple):
    """An account that a lead tells of.

    Attributes:
        contact_id: of the contact that the lead is now; else empty.
        why: the end of the sentence "jo@acme.com is an address of the lead Jo Lee, ...".
    """

    account_id: str
    contact_id: str
    why: str


class Leads:
    """The leads as they are now, and what they tell.

    Args:
        by_address: the leads with each address or number.
        contacts: the versions of each contact.
        accounts: those that the CRM holds.
        by_domain: the accounts with each domain.
    """

    def __init__(
        self,
        by_address: Mapping[str, Sequence[LeadRow]],
        contacts: Mapping[str, Sequence[ContactRow]],
        accounts: Collection[str],
        by_domain: Mapping[str, Sequence[str]],
    ) -> None:
        self._by_address, self._contacts = by_address, contacts
        self._accounts, self._by_domain = accounts, by_domain

    def __contains__(self, address: str) -> bool:
        """Tell whether it is an address of a lead."""
        return address in self._by_address

    def told(self, address: str, at: datetime) -> Iterator[tuple[LeadRow, Told]]:
        """Yield each lead with this address, with each account that it tells of.

        A converted lead means its contact, with the account that was theirs at the moment, or else
        the account that it became. Any other means the account to which the CRM matched its
        company, or else those with a domain of the company; where these contradict the CRM, none.
        """
        for lead in self._by_address.get(address, ()):
            for told in self._became(lead, at) or self._might_be(lead):
                if told.account_id in self._accounts:
                    yield lead, told

    def _became(self, lead: LeadRow, at: datetime) -> Sequence[Told]:
        if versions := self._contacts.get(lead.converted_contact_id):
            contact = stood(versions, at)
            why = f"now the contact {contact.name or contact.contact_id}"
            return [Told(contact.account_id, contact.contact_id, why)]
        if lead.converted_account_id:
            return [Told(lead.converted_account_id, "", "now converted")]
        return []

    def _might_be(self, lead: LeadRow) -> Iterator[Told]:
        domains = map(company_domain, (*lead.domains, *map(domain_of, lead.emails)))
        at = {
            account_id: domain
            for domain in domains
            for account_id in self._by_domain.get(domain, ())
        }
        if not lead.account_id:
            for account_id, domain in at.items():
                yield Told(account_id, "", f"whose company is at {domain}")
        elif not at or lead.account_id in at:
            company = lead.company or "company"
            yield Told(lead.account_id, "", f"whose {company} the CRM matched")
