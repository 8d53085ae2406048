"""Is a change wired in: small candidates in Python and TypeScript, driven for real."""

from __future__ import annotations

import pytest

from harness.facts.integration import word_of
from tests.harness.facts.conftest import Measured

MAIN = """
import os, sys
sys.path.insert(0, os.environ["HARNESS_SDK"] + "/python")
from harness_sdk import serve
{imports}
class Detector:
    def ingest(self, params):
        {body}
        return {{"accepted": len(params["logs"]), "rejected": 0, "alerts": []}}
    def tick(self, params):
        return {{"alerts": []}}
serve(Detector(), name="small", language="python", declared={{"bucket_ms": 1000, "warmup_ms": 1000, "lateness_ms": 0}})
"""
BASE = {"main.py": MAIN.format(imports="", body="pass")}
LIMIT = '''"""A module with much that runs at import."""

NAMES = ["a", "b"]
TABLE = {name: len(name) for name in NAMES}
SCALE = 3


def scaled(value):
    """Says nothing that runs."""
    total = (
        value
        * SCALE
    )
    return total
'''
IDLE = "def idle(value):\n    first = value + 1\n    second = first + 1\n    return second\n"


def test_code_that_is_called_is_wired_in_and_code_that_is_not_is_named(measured: Measured) -> None:
    main = MAIN.format(imports="import limit", body="limit.scaled(len(params['logs']))")
    found = measured(BASE, {"main.py": main, "limit.py": LIMIT, "idle.py": IDLE})["integration"]
    files = {item["path"]: item for item in found["files"]}
    assert (files["limit.py"]["ran"], files["limit.py"]["of"], files["limit.py"]["reachable"]) == (2, 2, True)
    assert (files["idle.py"]["ran"], files["idle.py"]["of"], files["idle.py"]["reachable"]) == (0, 3, False)
    assert (files["main.py"]["ran"], files["main.py"]["of"], files["main.py"]["status"]) == (1, 1, "changed")
    assert (found["word"], found["share"], found["ran"], found["of"]) == ("partly", 0.5, 3, 6)


def test_what_runs_at_import_alone_is_not_wired_in(measured: Measured) -> None:
    found = measured(BASE, {"main.py": MAIN.format(imports="import limit", body="pass"), "limit.py": LIMIT})
    assert (found["integration"]["word"], found["integration"]["share"]) == ("not wired in", 0.0)
    assert found["integration"]["files"][0]["reachable"] is True, "reachable, and still nobody calls it"
    assert found["judged"]["integrated"] is False


SERVER = """
import {{ serve }} from "/candidates/sdk/node/protocol.mjs";
{imports}
interface Log {{ level: string }}
function ingest({{ logs }}: {{ logs: Log[] }}) {{
  {body}
  return {{ accepted: logs.length, rejected: 0, alerts: [] }};
}}
const declared = {{ bucket_ms: 1000, warmup_ms: 1000, lateness_ms: 0 }};
serve({{ name: "small", language: "typescript", declared, handlers: {{ ingest, tick: () => ({{ alerts: [] }}) }} }});
"""
RATES = """
export type Rate = number;
export interface Window { total: number; errors: number }

const NAMES: string[] = ["a", "b"];

export class Rates {
  private total: number = 0;
  add(level: string): Rate {
    this.total += 1;
    if (level === "error") {
      return this.forget(2);
    }
    return this.total;
  }
  forget(by: number): Rate {
    this.total -= by;
    return this.total;
  }
}
"""


def test_typescript_is_measured_line_by_line(measured: Measured) -> None:
    imports = 'import { Rates } from "./rates.ts";\nconst rates = new Rates();'
    server = SERVER.format(imports=imports, body="for (const log of logs) rates.add(log.level);")
    command = '["node", "--disable-warning=ExperimentalWarning", "server.mts"]'
    base = {"server.mts": SERVER.format(imports="", body=""), "package.json": '{"type": "module"}'}
    found = measured(base, {"server.mts": server, "rates.ts": RATES}, command)["integration"]
    files = {item["path"]: item for item in found["files"]}
    # Of `add` all but the return for an error; nothing of `forget`.
    assert (files["rates.ts"]["ran"], files["rates.ts"]["of"]) == (3, 6), found
    assert files["rates.ts"]["reachable"] is True
    assert (found["word"], found["ran"], found["of"]) == ("partly", 4, 7), found


def test_no_source_lines_means_nothing_to_integrate(measured: Measured) -> None:
    found = measured(BASE, {"README.md": "words\n"})
    assert (found["integration"]["word"], found["integration"]["share"]) == ("nothing to integrate", None)
    assert found["judged"] == {"integrated": None, "own_tests_red": None}


def test_utf16_counts_like_any_other_text(measured: Measured) -> None:
    change = "# what it is for\r\ndef f(x):\r\n    if x > 1:\r\n        return 2\r\n    return 3\r\n"
    found = measured(BASE, {"odd.py": change.encode("utf-16")})
    assert found["diff"]["comment_share"] == 0.2
    assert found["diff"]["complexity"]["highest"] == 2
    assert found["integration"]["of"] == 3
    assert found["cost"]["estimate"]["output_tokens"] > 15


@pytest.mark.parametrize(
    ("share", "word"),
    [
        (None, "nothing to integrate"),
        (0.0, "not wired in"),
        (0.0999, "not wired in"),
        (0.1, "partly"),
        (0.599, "partly"),
        (0.6, "wired in"),
    ],
)
def test_words(share: float | None, word: str) -> None:
    assert word_of(share) == word
