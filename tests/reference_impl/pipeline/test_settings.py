"""The configuration: what it says, and how a mistake in it is told."""

from pathlib import Path

import pytest

from harness.paths import PROJECT_ROOT
from reference_impl.pipeline.__main__ import main
from reference_impl.pipeline.build import build
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.observation import Observation, Page
from reference_impl.pipeline.secret import Secret
from reference_impl.pipeline.settings import SettingsError, parse

GOOD = """
window_ms = 60000

[store]
kind = "postgres"
url = { env = "STORE_URL" }

[[destination]]
kind = "pagerduty"
name = "oncall"
routing_key = { env = "PD_KEY" }

[[destination]]
kind = "slack"
name = "team"
webhook = { env = "SLACK_WEBHOOK" }

[[destination]]
kind = "jira"
name = "tickets"
url = "https://example.atlassian.net"
project = "OPS"
user = "bot@example.com"
token = { env = "JIRA_TOKEN" }

[[route]]
name = "urgent"
services = ["pay*"]
min_severity = "high"
to = ["oncall", "team"]

[[route]]
name = "rest"
to = ["tickets"]
"""
ENVIRONMENT = {
    "STORE_URL": "postgresql://u:store-secret@localhost/db",
    "PD_KEY": "pd-secret",
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/slack-secret",
    "JIRA_TOKEN": "jira-secret",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def page(service: str, severity: str) -> Page:
    return Page("0" * 32, "p1", 0, service, "error_rate", severity, "")  # type: ignore[arg-type]


def seen(service: str, severity: str, kind: str = "error_rate") -> Observation:
    return Observation("p1", 0, service, kind, severity, 1.0, "")  # type: ignore[arg-type]


def test_the_first_route_that_takes_an_alert_is_its_way() -> None:
    settings = parse(GOOD, "x")
    assert settings.destinations_of(page("payments", "critical")) == ["oncall", "team"]
    assert settings.destinations_of(page("payments", "low")) == ["tickets"]
    assert settings.destinations_of(page("search", "critical")) == ["tickets"]


def test_an_alert_is_one_with_those_of_its_service_on_its_way() -> None:
    fingerprint = parse(GOOD, "x").fingerprint
    assert fingerprint(seen("payments", "high")) == fingerprint(seen("payments", "critical", "rate_of_change"))
    assert fingerprint(seen("payments", "low")) != fingerprint(seen("payments", "high"))  # others are to be paged
    assert fingerprint(seen("payments", "low")) != fingerprint(seen("search", "low"))


@pytest.mark.usefixtures("environment")
def test_secrets_are_looked_up_and_never_shown() -> None:
    built = build(parse(GOOD, "x"))
    shown = repr(built) + str(built.secrets) + f"{built.store_url}"
    assert [one.name for one in built.destinations] == ["oncall", "team", "tickets"]
    assert "-secret" not in shown and built.store_url.reveal().endswith("@localhost/db")


@pytest.mark.usefixtures("environment")
def test_the_journal_hides_secrets_that_a_receiver_sends_back(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    built = build(parse(GOOD, "x"))
    said = " ".join(one.reveal() for one in built.secrets)
    assert len(built.secrets) == 5
    Journal("p1", built.secrets).tell("postponed", reason=f"you sent {said}")
    out = capfdbinary.readouterr().err
    assert b"you sent" in out and not any(one.reveal().encode() in out for one in built.secrets)


MISTAKES = {
    "not TOML": ("window_ms = 60000", "window_ms = ", "not TOML"),
    "type": ("window_ms = 60000", 'window_ms = "60 s"', r"Expected `int`, got `str` - at `window_ms`"),
    "range": ("window_ms = 60000", "window_ms = 0", r"Expected `int` >= 1 - at `window_ms`"),
    "unknown key at the top": (
        "window_ms",
        "windows_ms",
        r"unknown key `windows_ms` at the top: there are .*window_ms.*correct",
    ),
    "unknown key in a table": (
        'name = "team"',
        'name = "team"\nchannel = "x"',
        r"unknown key `channel` in `destination\[1\]`: there are kind, name, timeout_ms, webhook;",
    ),
    "unknown kind": ('kind = "slack"', 'kind = "email"', r"Invalid value 'email' - at `destination\[1\]\.kind`: .*slack"),
    "missing key": ('project = "OPS"\n', "", r"required field `project` - at `destination"),
    "literal secret": ('{ env = "PD_KEY" }', '"pd-secret"', r'routing_key`.*\{ env = "NAME" \} or \{ file = "PATH" \}'),
    "empty secret": ('{ env = "PD_KEY" }', "{}", r'oncall\': routing_key: expected either \{ env = "NAME" \}'),
    "store": ('"postgres"', '"mysql"', r"store\.kind: expected one of postgres, redis.*not 'mysql'"),
    "no such destination": (
        '["tickets"]',
        '["ticket"]',
        r"route 'rest': no destination is called 'ticket': there are oncall, team",
    ),
    "twice": ('name = "team"', 'name = "oncall"', r"two are called 'oncall': rename"),
    "no way there": ('["oncall", "team"]', '["team"]', r"destination 'oncall': no route leads to it: name it"),
    "severity": ('min_severity = "high"', 'min_severity = "urgent"', r"Invalid enum value 'urgent' - at `route"),
    "jql": ('project = "OPS"', "project = 'X\" OR 1=1'", r"matching regex .* - at `destination"),
}


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_place_and_cure(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError, match=told) as caught:
        parse(GOOD.replace(old, new, 1), "pipeline.toml")
    assert str(caught.value).startswith("pipeline.toml: ")
    assert "pd-secret" not in str(caught.value)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "webhook", ["http://hooks.slack.com/x", "hooks.slack.com/x", "https://u:p@h/x", "https://h:x/", "https://h/a b"]
)
def test_an_address_where_no_token_may_go(webhook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", webhook)
    with pytest.raises(SettingsError, match="destination 'team': webhook: expected") as caught:
        build(parse(GOOD, "x"))
    assert webhook not in str(caught.value)


@pytest.mark.usefixtures("environment")
def test_a_secret_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PD_KEY")
    with pytest.raises(SettingsError, match="'oncall': routing_key: the environment variable PD_KEY is not set"):
        build(parse(GOOD, "x"))
    text = GOOD.replace('{ env = "PD_KEY" }', f'{{ file = "{tmp_path}/key" }}')
    with pytest.raises(SettingsError, match=r"key cannot be read \(FileNotFoundError\)"):
        build(parse(text, "x"))
    (tmp_path / "key").write_text("from-a-file\n")
    assert "from-a-file" in [one.reveal() for one in build(parse(text, "x")).secrets]


@pytest.mark.usefixtures("environment")
def test_check_and_wrong_use_end_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "pipeline.toml"
    config.write_text(GOOD)
    assert main(["--config", str(config), "--check"]) == 0
    assert "3 destinations, 2 routes" in capsys.readouterr().out
    for more in (["/no/such/file"], ["--listen", "0.0.0.0:80"], ["--listen", "8080"], ["--listen", "/x/y", "logs.jsonl"]):
        assert main(["--config", str(config), *more]) == 2
        assert "pipeline: " in capsys.readouterr().err
    assert main(["--config", str(tmp_path / "none.toml")]) == 2


def test_a_secret_compares_with_nothing() -> None:
    assert Secret("a") != Secret("a")


def test_the_example_in_the_documentation_is_one() -> None:
    text = (PROJECT_ROOT / "docs" / "pipeline.md").read_text().split("```toml\n")[1].split("```")[0]
    settings = parse(text, "docs/pipeline.md")
    assert settings.destinations_of(page("payments", "critical")) == ["oncall", "team", "tickets"]
    assert settings.destinations_of(page("search", "critical")) == ["tickets"]
