"""Phone numbers in E.164."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import phonenumbers

from transforms.address import untagged


@lru_cache(maxsize=10_000)
def e164(number: str, region: str) -> str:
    """Return a number in E.164, read in a region (ISO 3166) where it has no prefix.

    Empty for what is no phone number: an extension, `anonymous`, a SIP address.
    """
    try:
        parsed = phonenumbers.parse(number[:100], region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def signed_numbers(signed: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Return whose a number is, as signatures tell: the address of the only one who signs with it.

    Addresses that differ by a plus tag are one person's, and come without it, as in
    `live.signature_phone`.

    Args:
        signed: of each signature, the author's address and the numbers in E.164.
    """
    addresses: dict[str, set[str]] = defaultdict(set)
    for address, numbers in signed:
        for number in numbers:
            addresses[number].add(untagged(address))
    return {number: one for number, (one, *more) in sorted(addresses.items()) if not more}
