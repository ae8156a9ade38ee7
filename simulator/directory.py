"""Who everybody is: names, addresses and numbers of reps, accounts and contacts.

Nothing here moves an outcome but an account's size, which `Latent` drew before.
"""

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from simulator.chance import Chance
from simulator.company import History
from simulator.moves import Moves, draw_moves
from simulator.places import account_zones, our_zones
from simulator.scenario import Dirt

OWN_DOMAIN: Final = "fernhill.example"
PARTNER_DOMAIN: Final = "alliance-partners.example"
PARTNER_ACCOUNT: Final = "PAR-000001"
LANGUAGES: Final = ("en", "de", "fr", "es")
_LANGUAGE_SHARES: Final = (0.7, 0.14, 0.09, 0.07)
_SENIORITIES: Final = ("executive", "director", "manager", "staff")
_SENIORITY_SHARES: Final = (0.12, 0.23, 0.35, 0.3)
_FEWEST, _MOST = 3, 8
_FREE_MAIL: Final = ("gmail.com", "outlook.com", "yahoo.com", "gmx.net", "icloud.com")
_SPELLED: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True)
class Directory:
    """Everybody by number: accounts seat by seat (G), contacts account by account (C), reps (P).

    The team managers follow the reps, by team. Who moves to another account is two contacts.

    Attributes:
        first_contact: the number of each account's first contact; one more at the end (G + 1).
        contact_other: a second address that they write from; empty for most.
        language: of each account, its place in LANGUAGES.
        contact_zone, rep_zone: where they live, as places in `places.ZONES`.
        contact_phone, rep_phone: in E.164, from the ranges that are kept for fiction.
    """

    account_name: Sequence[str]
    account_domain: Sequence[str]
    industry: Sequence[str]
    employees: np.ndarray
    country: Sequence[str]
    language: np.ndarray
    first_contact: np.ndarray
    contact_account: np.ndarray
    contact_zone: np.ndarray
    contact_name: Sequence[str]
    contact_address: Sequence[str]
    contact_other: Sequence[str]
    contact_phone: Sequence[str]
    contact_title: Sequence[str]
    seniority: Sequence[str]
    rep_name: Sequence[str]
    rep_address: Sequence[str]
    rep_phone: Sequence[str]
    rep_zone: np.ndarray
    moves: Moves


def draw_directory(history: History, chance: Chance) -> Directory:
    """Draw who everybody is; the first accounts belong to the first seat, and so on."""
    rng, count = chance.directory, history.latent.potential.size
    dirt = history.scenario.dirt
    language = rng.choice(len(LANGUAGES), count, p=_LANGUAGE_SHARES)
    industries = rng.choice(list(_names()["accounts"]["trades"]), count).tolist()
    names = _account_names(rng, industries, language)
    domains = _shared(rng, [_domain(name) for name in names], dirt.domain_shared)
    sizes = rng.integers(_FEWEST, _MOST + 1, count)
    contact_account = np.repeat(np.arange(count), sizes)
    seniority = rng.choice(_SENIORITIES, contact_account.size, p=_SENIORITY_SHARES)
    first_contact = np.concatenate([[0], sizes.cumsum()])
    moves = draw_moves(rng, first_contact, history.months, dirt.contact_moved)
    drawn = draw_names(rng, language[contact_account])
    people = [drawn[person] for person in moves.person.tolist()]
    mail_domains = [domains[at] for at in contact_account]
    own = draw_names(rng, np.zeros(len(history.seat) + history.latent.region.size, int))
    employees = _employees(rng, history.latent.size.ravel())
    countries = [_one(rng, _names()[LANGUAGES[code]]["countries"]) for code in language]
    return Directory(
        account_name=names,
        account_domain=domains,
        industry=industries,
        employees=employees,
        country=countries,
        language=language,
        first_contact=first_contact,
        contact_account=contact_account,
        contact_zone=account_zones(countries, chance.places)[contact_account],
        contact_name=people,
        contact_address=addresses_of(people, mail_domains),
        contact_other=_others(rng, people, mail_domains, dirt),
        contact_phone=[_phone(number + len(own)) for number in range(len(people))],
        contact_title=[
            _one(rng, _names()[LANGUAGES[language[account]]]["titles"][rank])
            for account, rank in zip(contact_account, seniority, strict=True)
        ],
        seniority=seniority.tolist(),
        rep_name=own,
        rep_address=addresses_of(own, [OWN_DOMAIN] * len(own)),
        rep_phone=[_phone(number) for number in range(len(own))],
        rep_zone=our_zones(history),
        moves=moves,
    )


@lru_cache
def _names() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "names.toml").read_text(encoding="utf-8"))


def _one(rng: np.random.Generator, among: Sequence[str]) -> str:
    return among[int(rng.random() * len(among))]


def draw_names(rng: np.random.Generator, language: np.ndarray) -> list[str]:
    """Draw a name for each language's number."""
    said = [_names()[code] for code in LANGUAGES]
    firsts, lasts = rng.random(language.size), rng.random(language.size)
    return [
        f"{each['first'][int(a * len(each['first']))]} {each['last'][int(b * len(each['last']))]}"
        for each, a, b in zip((said[code] for code in language), firsts, lasts, strict=True)
    ]


def addresses_of(names: Sequence[str], domains: Sequence[str]) -> list[str]:
    """Return an address for each person; namesakes at one domain are numbered."""
    seen: dict[str, int] = {}
    addresses = []
    for name, domain in zip(names, domains, strict=True):
        local = plain(name).replace(" ", ".")
        times = seen[f"{local}@{domain}"] = seen.get(f"{local}@{domain}", 0) + 1
        addresses.append(f"{local}{times if times > 1 else ''}@{domain}")
    return addresses


def _others(
    rng: np.random.Generator, names: Sequence[str], domains: Sequence[str], dirt: Dirt
) -> list[str]:
    """Draw second addresses: initial and surname at the company, or private ones."""
    chance, provider = rng.random(len(names)), rng.integers(0, len(_FREE_MAIL), len(names))
    short = addresses_of([f"{name[0]} {name.rpartition(' ')[2]}" for name in names], domains)
    private = [
        f"{plain(name).replace(' ', '.')}.{number:05}@{_FREE_MAIL[at]}"
        for number, (name, at) in enumerate(zip(names, provider, strict=True))
    ]
    is_private = chance > 1 - dirt.contact_private
    has_other = is_private | (chance < dirt.contact_alias)
    return [
        (private if is_private[number] else short)[number] if has_other[number] else ""
        for number in range(len(names))
    ]


def _domain(account: str) -> str:
    return f"{plain(account.rsplit(' ', 1)[0]).replace(' ', '-')}.example"


def _shared(rng: np.random.Generator, domains: Sequence[str], share: float) -> list[str]:
    """Return the domains, some of them the one of the account before: a sister company."""
    is_sister = rng.random(len(domains)) < share
    return [
        domains[at - 1] if at and is_sister[at] and not is_sister[at - 1] else domain
        for at, domain in enumerate(domains)
    ]


def _phone(number: int) -> str:
    """Return a number of the range 555-0100 to 555-0199 of an area of its hundred."""
    return f"+1{201 + number // 100 % 780}55501{number % 100:02}"


def plain(name: str) -> str:
    """Return a name in ASCII and lower case."""
    spelled = name.lower().translate(_SPELLED)
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()


def _account_names(
    rng: np.random.Generator, industries: Sequence[str], language: np.ndarray
) -> list[str]:
    """Return distinct names; where there are more accounts than names, a number is added."""
    words = _names()["accounts"]
    stems = [f"{place}{site}" for place, site in product(words["places"], words["sites"])]
    order = rng.permutation(len(industries))
    names = []
    for place, industry, code in zip(order, industries, language, strict=True):
        stem, again = stems[place % len(stems)], place // len(stems)
        trade = _one(rng, words["trades"][industry])
        form = _one(rng, _names()[LANGUAGES[code]]["forms"])
        names.append(f"{stem} {trade}{f' {again + 1}' if again else ''} {form}")
    return names


def _employees(rng: np.random.Generator, size: np.ndarray) -> np.ndarray:
    """Return head counts that go with the size of deals, loosely."""
    noise = rng.normal(0, 0.6, size.size)
    return np.asarray(np.rint(250 * size**1.5 * np.exp(noise)).astype(int).clip(5))
