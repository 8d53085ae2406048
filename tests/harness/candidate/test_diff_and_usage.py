from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.candidate.cache import Cache
from harness.candidate.diff import FileDiff, diff, kind_of
from harness.candidate.estimate import estimate
from harness.candidate.mirror import fetch_commit
from harness.candidate.usage import cost
from harness.candidate.values import Prices, Usage

DAY = datetime(2025, 11, 14, tzinfo=UTC)


def test_lines_by_kind(sample, cache: Cache) -> None:
    sample.write("src/a.ts", "1\n2\n3\n")
    sample.write("gone.py", "x\n")
    base = sample.commit()
    sample.write("src/a.ts", "1\ntwo\n3\n4\n")
    sample.write("src/a.test.ts", "t\n")
    sample.write("README.md", "a\nb\n")
    sample.write("pnpm-lock.yaml", "l\n" * 50)
    sample.write("tsconfig.json", "{}\n")
    sample.write("logo.png", bytes(range(256)))
    sample.write("note.md", "one\r\ntwo\r\n".encode("utf-16"))
    sample.write("odd\nname.py", "x\n")
    # A tree cannot hide its lines by calling them binary.
    sample.write(".gitattributes", "*.ts binary\n")
    (sample.path / "gone.py").unlink()
    head = sample.commit()
    mirror = fetch_commit(cache, str(sample.path), head).mirror
    stats = diff(mirror, base, head)
    assert (stats.totals("source").added, stats.totals("source").removed) == (3, 2)
    assert stats.totals("test").added == 1
    assert stats.totals("docs").added == 4
    assert stats.totals("generated").added == 50
    assert stats.totals("config").added == 2
    assert (stats.totals().files, stats.totals().net) == (10, 60 - 2)
    assert FileDiff("note.md", "docs", 2, 0, utf16=True) in stats.files
    assert FileDiff("logo.png", "source", None, None) in stats.files
    assert stats.notes == (
        "counted after decoding from UTF-16, with line ends made alike: note.md",
        "1 binary files are counted as files, not in lines",
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("apps/processor/src/index.ts", "source"),
        ("apps/processor/src/index.test.ts", "test"),
        ("tests/helpers.py", "test"),
        ("pkg/x_test.go", "test"),
        ("docs/a.html", "docs"),
        ("package.json", "config"),
        ("package-lock.json", "generated"),
        ("dist/bundle.js", "generated"),
        (".github/workflows/ci.yml", "config"),
        ("vitest.config.ts", "config"),
        ("src/contest.py", "source"),
        ("apps/processor/src/examples/detector-example.ts", "examples"),
        ("src/usage.example.ts", "examples"),
        ("src/resample.py", "source"),
    ],
)
def test_kind_of(path: str, kind: str) -> None:
    assert kind_of(path) == kind


def test_cost_counts_cached_input_at_its_own_price() -> None:
    usage = Usage(input_tokens=1_000_000, cached_input_tokens=1_000_000, output_tokens=100_000)
    found = cost(usage, "gpt-5.1-codex", DAY)
    assert found.recomputed_usd == pytest.approx(1.25 + 0.125 + 1.0)
    assert found.prices.startswith("genai-prices ")
    assert found.notes == ()


def test_unknown_stays_unknown() -> None:
    assert cost(Usage(), None, None).why_unknown == "the model, the commit's date, input tokens, output tokens not stated"
    partly = cost(Usage(input_tokens=1000, output_tokens=1000, reported_cost_usd=0.3), "gpt-5.1-codex", DAY)
    assert partly.recomputed_usd == pytest.approx(0.01125)
    assert partly.reported_usd == 0.3
    assert "this or more" in partly.notes[0]
    assert cost(Usage(output_tokens=3), "gpt-5.1-codex", DAY).recomputed_usd is None
    strange = cost(Usage(input_tokens=1, output_tokens=1), "no-such-model", DAY)
    assert strange.recomputed_usd is None
    assert "no-such-model" in strange.why_unknown


def test_a_file_that_became_utf16_with_other_line_ends_counts_what_changed(sample, cache: Cache) -> None:
    sample.write("src/a.ts", "one\ntwo\nthree\n")
    base = sample.commit()
    sample.write("src/a.ts", "one\r\n2\r\nthree\r\n".encode("utf-16"))
    head = sample.commit()
    stats = diff(fetch_commit(cache, str(sample.path), head).mirror, base, head)
    assert (stats.totals("source").added, stats.totals("source").removed) == (1, 1)
    assert "UTF-16" in stats.notes[0]


def test_reported_stands_beside_recomputed() -> None:
    usage = Usage(input_tokens=1_000_000, cached_input_tokens=0, output_tokens=0, reported_cost_usd=2.5)
    assert cost(usage, "gpt-5.1-codex", DAY).reported_to_recomputed == 2.0
    assert cost(Usage(reported_cost_usd=2.5), "gpt-5.1-codex", DAY).reported_to_recomputed is None


def test_the_operators_own_prices_come_before_the_price_list() -> None:
    usage = Usage(input_tokens=1_000_000, cached_input_tokens=2_000_000, output_tokens=500_000, prices=Prices(3.0, 4.0, 0.5))
    found = cost(usage, "no-such-model", None)
    assert found.recomputed_usd == pytest.approx(3.0 + 1.0 + 2.0)
    assert "operator" in found.prices
    plain = cost(Usage(input_tokens=0, cached_input_tokens=1_000_000, output_tokens=0, prices=Prices(3.0, 4.0)), None, None)
    assert plain.recomputed_usd == pytest.approx(3.0), "without a price of their own cached tokens cost as others do"


def test_the_estimate_is_a_lower_bound_from_the_added_lines_alone() -> None:
    found = estimate(["const x = 1;\n" * 10, " " * 50_000], "gpt-5.1-codex", DAY)
    assert 60 <= found.output_tokens <= 1000
    assert found.usd == pytest.approx(found.output_tokens * 10 / 1e6)
    assert "lower bound" in found.says
    assert estimate(["x"], None, DAY).usd is None
