"""The labels that a mail carries: sensitivity, and what a mailbox or its owner sorted it under."""

import re
from typing import Final

from transforms import mime
from transforms.mime import Part

_LISTS: Final = ("Sensitivity", "X-Gmail-Labels", "X-Keywords", "Keywords")
_PROTECTION: Final = "msip_labels"
"""Microsoft's sensitivity labels: `MSIP_Label_<id>_Name=Confidential;` among other facts."""
_NAME: Final = re.compile(r"MSIP_Label_[\w-]{1,64}_Name=([^;]{1,200})", re.IGNORECASE)


def labels(message: Part) -> tuple[str, ...]:
    """Return the mail's labels in lower case, each once, in order."""
    listed = (label for name in _LISTS for label in mime.words(message, name).split(","))
    protected = _NAME.findall(mime.words(message, _PROTECTION))
    tidy = (label.strip().strip('"').lower() for label in (*listed, *protected))
    return tuple(dict.fromkeys(filter(None, tidy)))
