"""The pages in a real Chromium: filters, sorting, evidence, keyboard, dark, narrow, axe, and that nothing hostile runs.

Skipped where no chromium is found; `.ci/run` installs one, so that there they never are.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from harness.publishing import publish
from tests.harness.report import synthetic

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
COMPARISON = "compare/toy/index.html"
SCORECARD = "results/a/toy/index.html"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on PATH: install Debian's package, or name one in CHROMIUM"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def measured(hostile: bool = False) -> Iterator[dict[str, Any]]:
    """Three models under both entries."""
    for number, name in enumerate(("a", "b", "c")):
        for entry in ("run", "component"):
            model = f"{synthetic.HOSTILE} {name}" if hostile else f"model-{name}"
            yield synthetic.result(number, name, model, entry=entry, hostile=hostile, requirements=12)


def built(out: Path, hostile: bool) -> Path:
    for number, made in enumerate(measured(hostile)):
        synthetic.write(out, made, number // 2, synthetic.HOSTILE if hostile else "")
    publish(out, out / "site")
    return out / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("plain"), hostile=False)


class Watched:
    """A page with everything that a page should not do: dialogs, messages, requests beyond its own files."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("dialog", self._dialog)
        page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", self._request)

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "http://127.0.0.1:")):
            self.wrong.append(f"request: {request.url}")


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    found = Watched(page)
    yield found
    page.close()
    assert found.wrong == []


def shown(page: Page) -> list[str]:
    rows: list[str] = page.eval_on_selector_all(
        "table.side tbody tr:not([hidden]) .rowname", "found => found.map(each => each.textContent)"
    )
    return rows


def test_filters_sift_and_the_address_keeps_them(watched: Watched, site: Path) -> None:
    page = watched.page
    page.goto(f"file://{site / COMPARISON}")
    everything = shown(page)
    rows = [made["requirements"] for made in measured()]
    same = {rows[0][i]["id"] for i in range(len(rows[0])) if len({each[i]["outcome"] for each in rows}) == 1}
    page.get_by_label("Only differences").check()
    kept = shown(page)
    assert set(kept) == set(everything) - same < set(everything)
    page.get_by_label("Basis").select_option("asked")
    asked = [name for name in kept if int(name[3:]) % 3 != 0]
    assert shown(page) == asked != kept
    page.get_by_label("Severity").select_option("critical")
    kept = shown(page)
    assert kept == [name for name in asked if int(name[3:]) % 4 == 1] != asked
    assert page.get_by_role("status").inner_text() == f"{len(kept)} of {len(everything)} requirements shown"
    page.get_by_label("Entry").select_option("component")
    assert page.locator("table.side thead th.run:visible").count() == 0
    address = page.url
    assert "severity=critical" in address and "differs=1" in address
    kept = shown(page)
    page.goto("about:blank")
    page.goto(address)
    assert shown(page) == kept and page.get_by_label("Severity").input_value() == "critical"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("() => !location.hash")
    assert shown(page) == everything


def test_sorting_and_evidence_by_keyboard_alone(watched: Watched, site: Path) -> None:
    page = watched.page
    page.goto(f"file://{site / COMPARISON}")
    before = shown(page)
    sort = page.get_by_role("button", name="Sort by b [component]")
    sort.focus()
    page.keyboard.press("Enter")
    column = page.locator("table.side thead th[aria-sort=ascending]")
    assert column.count() == 1
    place = column.evaluate("cell => cell.cellIndex")
    ranks = page.eval_on_selector_all(
        "table.side tbody tr", f"rows => rows.map(row => Number(row.cells[{place}].dataset.rank))"
    )
    assert ranks == sorted(ranks) and shown(page) != before
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert shown(page) == before
    cell = page.locator("table.side details").first
    cell.locator("summary").focus()
    page.keyboard.press("Enter")
    assert cell.get_attribute("open") is not None
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/results/a/**")
    assert page.url.endswith("#TY-01") and page.locator("#TY-01").get_attribute("open") is not None


def test_without_script_all_of_it_is_readable(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{site / COMPARISON}")
    assert page.locator("table.side tbody tr").count() == 11
    assert page.locator("form.filters").is_hidden() and page.locator("button:visible").count() == 0
    page.locator("table.side details summary").first.click()
    assert page.locator("table.side details[open] p").first.is_visible()
    context.close()


# Of the many rules only the one on contrast depends on the colours.
@pytest.mark.parametrize(("scheme", "rules"), [("light", None), ("dark", ["color-contrast"])])
def test_axe_finds_no_fault_light_or_dark(browser: Browser, site: Path, scheme: Any, rules: list[str] | None) -> None:
    page = browser.new_page(color_scheme=scheme, bypass_csp=True)
    for address in ("index.html", COMPARISON, SCORECARD):
        page.goto(f"file://{site / address}")
        found = Axe().run(page, options={"runOnly": rules} if rules else None).response["violations"]
        told = [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]
        assert told == [], f"{address} in {scheme}"
    page.close()


def test_axe_is_able_to_find_a_fault(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<main><p style='color:#bbb;background:#fff'>pale</p></main>")
    found = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
    assert [one["id"] for one in found] == ["color-contrast"]
    page.close()


def test_a_phone_scrolls_tables_and_never_the_page(browser: Browser, site: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for address in ("index.html", COMPARISON, SCORECARD):
        page.goto(f"file://{site / address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    page.goto(f"file://{site / 'index.html'}")
    page.get_by_label("Search").fill("model-b")
    assert page.locator("table.index tbody tr:visible").count() == 2, "what is sifted out is hidden there too"
    page.close()


def test_nothing_hostile_runs_in_html_json_or_svg(watched: Watched, tmp_path: Path) -> None:
    site = built(tmp_path, hostile=True)
    page = watched.page
    for address in ("index.html", COMPARISON, SCORECARD):
        page.goto(f"file://{site / address}")
        page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
        assert page.locator("script").count() == (2 if address == COMPARISON else 1), address
        assert synthetic.HOSTILE in page.inner_text("body"), "it is there to read"
    page.goto(f"file://{site / COMPARISON}")
    data = page.evaluate("() => JSON.parse(document.getElementById('comparison-data').textContent)")
    assert data[0]["columns"][0]["model"] == f"{synthetic.HOSTILE} a"
    drawn = page.locator("svg.chart text").all_text_contents()
    assert any(synthetic.HOSTILE[:20] in text for text in drawn)


def test_a_host_may_serve_it_from_any_folder(watched: Watched, site: Path) -> None:
    handler = functools.partial(_Quiet, directory=str(site.parent.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        page = watched.page
        page.goto(f"http://127.0.0.1:{server.server_port}/{site.parent.name}/site/index.html")
        page.get_by_role("link", name="Toy challenge").click()
        page.wait_for_url("**/compare/toy/**")
        page.get_by_role("link", name="All results").click()
        page.wait_for_url("**/site/index.html")
        page.locator("table.index tbody th a").first.click()
        page.wait_for_url("**/results/a/**")
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test's output is not a place for accesses."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Browsers ask for an icon of their own accord; that there is none is no fault of the page."""
        if self.path.endswith("favicon.ico"):
            self.send_response(204)
            self.end_headers()
            return
        super().send_error(code, message, explain)
