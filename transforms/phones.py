"""Phone numbers in E.164."""

from functools import lru_cache

import phonenumbers


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
