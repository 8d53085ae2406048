"""Addresses and anchors out of untrusted text: only what is well-formed becomes a link."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_ANCHOR = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PATH = re.compile(r"[A-Za-z0-9/._~%+@-]*")


def web_address(text: str) -> str | None:
    """`text` if it is a plain http(s) address (host, path; no credentials, query or fragment), else None."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    expected_netloc = host if port is None else f"{host}:{port}"
    well_formed = (
        parts.scheme in ("http", "https")
        and _HOST.fullmatch(host)
        and parts.netloc.lower() == expected_netloc
        and _PATH.fullmatch(parts.path)
        and not (parts.query or parts.fragment)
        and urlunsplit(parts) == text
    )
    return text if well_formed else None


def commit_address(repo: str, commit: str) -> str | None:
    """Where a reader sees `commit` of `repo` on the web, or None if either is not well-formed."""
    base = web_address(repo.removesuffix(".git").rstrip("/"))
    if base is None or not _COMMIT.fullmatch(commit) or not urlsplit(base).path.strip("/"):
        return None
    return f"{base}/commit/{commit}"


def page_address(href: str) -> str | None:
    """`href` if it leads to a page beside this one or is a plain web address, else None."""
    relative = _PATH.fullmatch(href) and href and not href.startswith("/")
    return href if relative else web_address(href)


def without_credentials(repo: str) -> str:
    """`repo` as it may be shown: an address with a user or password in it loses them."""
    return re.sub(r"(?<=://)[^/\s]*@", "", repo)


def anchor(text: str, taken: set[str], fallback: str) -> str:
    """A unique id for an element, `text` itself where it can be one; adds it to `taken`."""
    chosen = text if _ANCHOR.fullmatch(text) and text not in taken else fallback
    while chosen in taken:
        chosen += "-x"
    taken.add(chosen)
    return chosen
