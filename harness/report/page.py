"""One result as one self-contained HTML page: no network, no fonts, no frameworks, no trust in any text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from harness import __version__
from harness.report import view
from harness.report.text import as_text, clip, visible

TEMPLATES = Path(__file__).parent / "templates"

# The budget of one page, in bytes of what the templates print: what a phone still opens at once.
PAGE_LIMIT = 800_000
PASSING_SHARE = 0.5
# (share of the budget that is used, characters of one string that are then still shown)
STRING_LIMITS = ((1.0, 6_000), (1.2, 160), (float("inf"), 20))


class _Compiled(BytecodeCache):
    """Templates compiled once a process: every page has an environment of its own, since it has a budget of its own."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Puts in what is known; jinja itself drops it where the template has changed."""
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps what was compiled."""
        self._known[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Drawing(Markup):
    """Path data that this package computed from numbers: neither escaped nor clipped, but counted."""


class Ink:
    """Every value that a template prints passes here: hidden characters shown, clipped, escaped, counted.

    Once a page's budget is spent, long strings are cut short and `allows` answers no: a candidate that floods
    its results gets a page that opens, not one that is complete.
    """

    def __init__(self, limit: int = PAGE_LIMIT) -> None:
        self._limit = limit
        self.used = 0

    def __call__(self, value: object) -> Markup:
        """`value` as it goes into the page (jinja's `finalize`)."""
        if isinstance(value, Markup):
            self.used += len(value) if isinstance(value, Drawing) else 0
            return value
        limit = next(length for share, length in STRING_LIMITS if self.used < share * self._limit)
        printed = escape(visible(clip(as_text(value), limit)))
        self.used += len(printed.encode())
        return printed

    def allows(self, important: bool) -> bool:
        """Whether there is room for one more piece of evidence; failing requirements may use more of it."""
        return self.used < self._limit * (1.0 if important else PASSING_SHARE)


def environment(finalize: Callable[[object], object]) -> Environment:
    """The templates of this package, escaping everything; `finalize` sees each value before it is printed."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        bytecode_cache=_COMPILED,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["drawing"] = Drawing
    return env


def asset(name: str) -> Markup:
    """A style sheet or script of this package, to be set into a page as it stands."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8").strip())


def content_policy(script: str) -> str:
    """A policy under which nothing is loaded and no script runs but `script` itself."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def render_template(
    name: str, *, styles: Sequence[str] = (), scripts: Sequence[str] = (), limit: int = PAGE_LIMIT, **values: Any
) -> str:
    """Template `name` as a whole page with this package's style, script and content policy; `styles` and `scripts` come after."""
    ink = Ink(limit)
    script = Markup("\n").join(asset(each) for each in ("page.js", *scripts))
    return (
        environment(ink)
        .get_template(name)
        .render(
            ink=ink,
            style=Markup("\n").join(asset(each) for each in ("page.css", *styles)),
            script=script,
            policy=Markup(content_policy(script)),
            harness_version=__version__,
            **values,
        )
    )


def render(
    result: Mapping[str, Any],
    evidence: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    siblings: Sequence[tuple[str, str]] = (),
) -> str:
    """The scorecard of `result` as HTML, under 2 MB whatever the result holds.

    `evidence` maps requirement ids to evidence; for an id that it lacks the result's own is shown.
    `siblings` are (label, address) of pages beside this one; unsafe addresses are left out.
    """
    return render_template("scorecard.html.j2", page=view.build(result, evidence or {}, siblings))
