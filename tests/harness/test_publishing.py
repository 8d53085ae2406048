"""`harness publish`: a whole site with relative links only, never over what it did not write."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from harness.errors import UsageError
from harness.publishing import publish
from harness.results import store
from harness.results.layout import evaluation
from tests.harness.report import synthetic

LINK = re.compile(r'(?:href|src)="([^"]*)"')


def filled(out: Path) -> Path:
    """Two models under both entries, one of them with an earlier run, and a result of another profile."""
    synthetic.write(out, synthetic.result(9, "a", "m"))
    store.put_aside(evaluation(out, "a", "toy", "run"))
    for number, name in enumerate(("a", "b")):
        for entry in ("run", "component"):
            synthetic.write(out, synthetic.result(number, name, f"model-{name}", entry=entry), number)
    synthetic.write(out, synthetic.result(5, "c", "other", profile="full"))
    return out


def test_every_link_of_the_site_leads_somewhere_and_nothing_is_fetched(tmp_path: Path) -> None:
    out = filled(tmp_path / "reports")
    matrix = out / "selftest" / "toy"
    matrix.mkdir(parents=True)
    (matrix / "matrix.json").write_text('{"caught": 3, "bad": 3, "flake_bound": 0.01}')
    (matrix / "index.html").write_text("<!doctype html><title>matrix</title>")
    assert publish(out, out / "site") == 5
    pages = sorted((out / "site").rglob("*.html"))
    assert len(pages) == 9, "index, five newest, one earlier, one comparison, one matrix"
    for page in pages:
        text = page.read_text()
        for link in LINK.findall(text):
            parts = urlsplit(link)
            if parts.scheme:
                assert link.startswith("https://example.org/toy/commit/"), "the candidate's own address"
                continue
            target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
            assert target.is_relative_to((out / "site").resolve()) and target.is_file(), f"{page}: {link}"
            if parts.fragment and target.suffix == ".html":
                assert f'id="{unquote(parts.fragment)}"' in target.read_text(), f"{page}: {link}"
        assert "url(" not in re.sub(r"url\(#", "", text) and "@import" not in text
    assert "kill matrix" in (out / "site/results/b/toy/index.html").read_text()
    assert "1 earlier" in (out / "site/index.html").read_text()


def test_results_that_are_not_comparable_get_no_common_page(tmp_path: Path) -> None:
    out = filled(tmp_path)
    publish(out, out / "site")
    text = (out / "site/compare/toy/index.html").read_text()
    assert "NOT COMPARABLE" not in text and ">other<" not in text


def test_a_second_time_replaces_the_first_and_strangers_are_left_alone(tmp_path: Path) -> None:
    out, target = filled(tmp_path / "reports"), tmp_path / "site"
    publish(out, target)
    (target / "results/a").rename(target / "results/gone")
    with pytest.raises(UsageError, match="did not write"):
        publish(out, target)
    (target / "results/gone").rename(target / "results/a")
    publish(out, target)
    (target / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        publish(out, target)
    assert (target / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], "nothing half-built is left"


def test_a_damaged_result_is_said_on_the_index(tmp_path: Path) -> None:
    out = filled(tmp_path)
    evaluation(out, "c", "toy", "run").result.write_text("{")
    assert publish(out, out / "site") == 4
    assert "Left out:" in (out / "site/index.html").read_text()


def test_an_empty_folder_gives_a_page_that_says_so(tmp_path: Path) -> None:
    assert publish(tmp_path / "none", tmp_path / "site") == 0
    assert "Nothing was measured yet." in (tmp_path / "site/index.html").read_text()
