"""Files inside texts: the data: addresses of pictures, sounds and films, as HTML, Markdown and JSON spell them."""

from __future__ import annotations

import base64
import binascii
import re
from html import unescape
from urllib.parse import unquote

# Slashes and line ends as JSON, HTML and addresses spell them. Possessive, so that every character is read once.
ADDRESS = re.compile(
    r"""(?P<quote>["'])?
    (?P<head>data:(?:image|audio|video)(?:/|\\/|\\u002f|&\#x2f;|&\#47;|%2f)
        (?P<kind>[^;,"'<>()\s]*+) (?P<parameters>(?:;[^;,"'<>()\s]*+)*+) ,)
    (?P<content>(?:[a-z0-9+/=]++ | %[0-9a-f]{2} | &\#(?:x[0-9a-f]{1,4}|[0-9]{1,5}); | \\u00[0-9a-f]{2} | \\[/nr]
        | (?(quote)[\r\n]\s*+(?=[a-z0-9+/]) | (?!)) )*+)""",
    re.IGNORECASE | re.VERBOSE,
)
SHORTEST = 32
"""Characters of base64; what is shorter holds no picture: the smallest GIF there is takes 48."""


def holds_files(text: str) -> bool:
    """Whether there are data: addresses of pictures, sounds or films in *text*."""
    return ADDRESS.search(text) is not None


def data_in(address: re.Match[str]) -> bytes | None:
    """Return the bytes that *address* holds, or None where browsers find none."""
    if not address["parameters"].lower().endswith(";base64"):
        return None
    plain = re.sub(r"\\u00([0-9a-fA-F]{2})", r"%\1", address["content"])
    plain = re.sub(r"\\[nr]|\\(?=/)", "", plain)
    content = re.sub(r"\s", "", unquote(unescape(plain))).rstrip("=")
    try:
        return base64.b64decode(content + "=" * (-len(content) % 4), validate=True)
    except binascii.Error:
        return None
