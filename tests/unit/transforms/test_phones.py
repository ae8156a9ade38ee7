"""Whose a telephone number is."""

from transforms.phones import signed_numbers


def test_a_number_is_whose_signature_alone_has_it():
    signed = [
        ("jo@acme.com", ["+14155550100", "+14155550199"]),
        ("jo+sales@acme.com", ["+14155550100"]),
        ("al@acme.com", ["+14155550199"]),
    ]
    assert signed_numbers(signed) == {"+14155550100": "jo@acme.com"}
