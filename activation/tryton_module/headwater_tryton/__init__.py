"""A Tryton module: the fields that Headwater alone writes on a party."""
