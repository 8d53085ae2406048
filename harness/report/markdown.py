"""One result as Markdown: short enough for a pull request; no candidate can add markup to it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from harness.report import words
from harness.report.links import commit_address
from harness.report.text import clip, one_line, share, visible

MAX_FINDINGS = 30
SUMMARY_LIMIT = 300
# GitHub drops a step's whole summary above 1 MiB; the rest of the step may have something to say too.
STEP_SUMMARY_LIMIT = 1_000_000
FENCED_LIMIT = 2_000
# A numeric character reference is never markup (CommonMark 2.5), so these lose every meaning but their own.
_MARKUP = re.compile(r"[\\`*_\[\]<>#!|~$&^]|(?<=:)//|(?<=[wW]{3})\.")


def summary(result: Mapping[str, Any]) -> str:
    """Verdict, score, dimensions and what went wrong, as GitHub-flavoured Markdown of a few dozen lines."""
    requirements = [r for r in result.get("requirements") or () if isinstance(r, Mapping)]
    parts = [
        *_head(result),
        *[f"> **{warning}**" for warning in words.warnings(result)],
        _figures(result, words.tally(requirements)),
        *_dimensions(result, requirements),
        *_findings(requirements),
        _origin(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def document(results: Sequence[Mapping[str, Any]], limit: int = STEP_SUMMARY_LIMIT) -> str:
    """The summaries of all results, in at most `limit` bytes of UTF-8; what is left out is said."""
    return within([summary(result) for result in results], limit)


def within(parts: Sequence[str], limit: int) -> str:
    """`parts` one after the other, cut at the end of a line so that all of it has at most `limit` bytes of UTF-8."""
    text = "\n".join(parts)
    if len(text.encode()) <= limit:
        return text
    told = (
        "\n\n**Cut short here: the whole is longer than a step summary may be. The pages and `result.json` have all of it.**\n"
    )
    # Room for the sentence and for the fence of a block that was cut: no fence is longer than the text of a block.
    room = limit - len(told.encode()) - FENCED_LIMIT - 2
    kept = text.encode()[:room].decode(errors="ignore").rpartition("\n")[0]
    # An open code block would swallow the sentence: its fence is closed by the one that opened it.
    fences = [line for line in kept.splitlines() if line.startswith("```") and not line.strip("`")]
    return kept + (f"\n{fences[-1]}" if len(fences) % 2 else "") + told


def escaped(text: str, limit: int = SUMMARY_LIMIT) -> str:
    """`text` on one line; a character that could be markup, link or mention is written as a reference."""
    line = one_line(text, limit)
    safe = _MARKUP.sub(lambda found: "".join(f"&#{ord(char)};" for char in found.group()), line)
    if re.match(r"[-+=0-9]", safe):  # at the start of a line these would begin a list or a rule
        safe = f"&#{ord(safe[0])};{safe[1:]}"
    # A word joiner keeps GitHub from taking what follows for somebody's name.
    return safe.replace("@", "&#64;&#8288;")


def fenced(text: str, limit: int = FENCED_LIMIT) -> str:
    """`text` as a code block whose fence is longer than any run of backticks in it."""
    shown = visible(clip(text, limit))
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{shown}\n{fence}"


def _head(result: Mapping[str, Any]) -> list[str]:
    candidate, challenge = result.get("candidate") or {}, result.get("challenge") or {}
    word = words.verdict_word(result.get("verdict") or "unknown")
    where = f"{candidate.get('id') or 'candidate'} on {challenge.get('id') or 'challenge'}"
    entry = f" (entry {escaped(str(result['entry']), 40)})" if result.get("entry") else ""
    reasons = words.reasons(result)
    shown = [f"- {escaped(reason)}" for reason in reasons[:MAX_FINDINGS]]
    if len(reasons) > MAX_FINDINGS:
        shown.append(f"- and {len(reasons) - MAX_FINDINGS} more")
    return [f"## {word.mark} {escaped(word.text, 40)}: {escaped(where)}{entry}", "\n".join(shown)]


def _figures(result: Mapping[str, Any], tally: words.Tally) -> str:
    asked = result.get("as_asked") or {}
    asked_word = words.verdict_word(asked.get("verdict") or "unknown")
    return (
        f"**Score {share(result.get('score'), 1)}** of 100; {tally}. "
        f"As asked: {escaped(asked_word.text, 40).lower()}, {share(asked.get('score'), 1)}."
    )


def _dimensions(result: Mapping[str, Any], requirements: Sequence[Mapping[str, Any]]) -> list[str]:
    stated = {str(d.get("name")): d for d in result.get("dimensions") or () if isinstance(d, Mapping)}
    names = dict.fromkeys([*stated, *(str(r.get("dimension") or "") for r in requirements)])
    rows = []
    for name in list(names)[:MAX_FINDINGS]:
        own = [r for r in requirements if str(r.get("dimension") or "") == name]
        word = words.outcome_word(words.worst_of(own))
        score = share(stated.get(name, {}).get("score"), 1)
        cells = [escaped(name, 60) or "other", score, words.tally(own).short, f"{word.mark} {word.text}"]
        rows.append(f"| {' | '.join(cells)} |")
    if not rows:
        return []
    return ["\n".join(["| dimension | score | decided | worst |", "|---|--:|---|---|", *rows])]


def _findings(requirements: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whatever is neither pass nor planned, worst first; failing ones with the command that replays them."""
    order = {"fail": 0, "candidate_error": 1, "not_offered": 2}
    wrong = [r for r in requirements if r.get("outcome") not in ("pass", "planned")]
    wrong.sort(key=lambda r: order.get(str(r.get("outcome")), 3))
    if not wrong:
        return []
    said = [_finding(requirement) for requirement in wrong[:MAX_FINDINGS]]
    if len(wrong) > MAX_FINDINGS:
        said.append(f"and {len(wrong) - MAX_FINDINGS} more")
    return ["### What did not pass", *said]


def _finding(requirement: Mapping[str, Any]) -> str:
    word = words.outcome_word(requirement.get("outcome"))
    name = escaped(f"{requirement.get('id', '')} {requirement.get('title') or ''}".strip(), 160)
    severity = escaped(str(requirement.get("severity") or ""), 40)
    found = escaped(str(requirement.get("summary") or ""))
    text = f"{word.mark} **{name}** ({severity}, {escaped(word.text, 40)}): {found}"
    replay = requirement.get("replay")
    if not replay or requirement.get("outcome") not in words.FAILING:
        return text
    command = replay if isinstance(replay, str) else shlex.join(str(word) for word in replay)
    return f"{text}\n\n{fenced(command)}"


def _origin(result: Mapping[str, Any]) -> str:
    candidate, provenance = result.get("candidate") or {}, result.get("provenance") or {}
    commit = str(candidate.get("commit") or "")
    link = commit_address(str(candidate.get("repo") or ""), commit)
    shown = f"[{commit[:12]}]({link})" if link else escaped(commit, 64)
    said = [
        ("model", escaped(str(candidate.get("model") or ""), 80)),
        ("commit", shown),
        ("profile", escaped(str(provenance.get("profile") or ""), 40)),
        ("seed", escaped(str(provenance.get("seed") or ""), 40)),
        ("sandbox", escaped(words.sandbox_level(result), 40)),
    ]
    return "; ".join(f"{name} {value}" for name, value in said if value)
