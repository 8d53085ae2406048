"""What a repository's address may be: a URL, `github:owner/name`, `user@host:path` or a folder.

Nothing that is a command.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from harness.errors import UsageError

SCHEMES = ("https", "http", "ssh", "git", "file")
FORMS = "https://..., ssh://..., git://..., file:///..., user@host:path, github:owner/name or the path of a folder"
_GITHUB = re.compile(r"github:([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+)")
_SCP = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!:)[^\s].*")


def normalise(text: str, base: Path) -> str:
    """The address as git is given it; a folder as an absolute path, relative ones from `base`.

    Raises UsageError.
    """
    if not text or text.startswith("-") or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise UsageError(f"expected the address of a repository ({FORMS}), got {text!r}")
    if short := _GITHUB.fullmatch(text):
        return f"https://github.com/{short[1]}"
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)::?//|([A-Za-z][A-Za-z0-9+.-]*)::", text)
    if scheme is not None:
        if "::" in scheme[0] or (scheme[1] or "").lower() not in SCHEMES:
            raise UsageError(f"the transport of {text!r} is not one that is allowed; expected {FORMS}")
        if urlsplit(text).netloc.startswith("-"):
            raise UsageError(f"the host in {text!r} starts with '-', which no host does")
        return text
    if _SCP.fullmatch(text) and not (base / text).exists():
        return text
    folder = (base / Path(text).expanduser()).resolve()
    if folder.is_dir():
        return str(folder)
    raise UsageError(f"there is no folder {folder}, and {text!r} is no address of a repository; expected {FORMS}")


def is_local(address: str) -> bool:
    """Whether a normalised address is a folder on this machine."""
    return address.startswith("/")


def shown(address: str) -> str:
    """The address without a password or token in it, for messages and results."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
