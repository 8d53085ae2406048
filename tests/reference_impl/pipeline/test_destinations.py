"""Each destination against a local receiver that checks like the real one."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from demo.receivers import (
    JIRA_TOKEN,
    ROUTING_KEY,
    Fault,
    JiraReceiver,
    PagerDutyReceiver,
    Receiver,
    SlackReceiver,
)
from reference_impl.pipeline.destinations import Destination, Jira, NotNow, PagerDuty, Refused, Slack
from reference_impl.pipeline.destinations.http import request
from reference_impl.pipeline.destinations.jira import authorization
from reference_impl.pipeline.observation import Page
from reference_impl.pipeline.secret import Secret

TIMEOUT_S = 5.0
PAGE = Page("0123456789abcdef" * 2, "p1", 1_800_000_000_000, "checkout", "error_rate", "high", "error share 42 %")
ODD = Page("f" * 32, "p1", 10**18, "<!channel>\n{noformat}" + "x" * 9000, "error_rate", "critical", "a\nb\u2028" + "é" * 5000)


def jira(receiver: Receiver, token: str = JIRA_TOKEN, project: str = "OPS", deployment: str = "server") -> Jira:
    header = authorization("", Secret(token))
    return Jira("tickets", receiver.address, project, header, TIMEOUT_S, deployment=deployment)  # type: ignore[arg-type]


def destination_of(receiver: Receiver, timeout_s: float = TIMEOUT_S) -> Destination:
    if isinstance(receiver, SlackReceiver):
        return Slack("team", Secret(receiver.webhook), timeout_s)
    if isinstance(receiver, PagerDutyReceiver):
        return PagerDuty("oncall", receiver.url, Secret(ROUTING_KEY), timeout_s)
    header = authorization("", Secret(JIRA_TOKEN))
    return Jira("tickets", receiver.address, "OPS", header, timeout_s, deployment="server")


@pytest.fixture(params=[SlackReceiver, PagerDutyReceiver, JiraReceiver])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with request.param() as running:
        yield running


def test_a_page_arrives_under_its_alert_id(receiver: Receiver) -> None:
    destination_of(receiver).deliver(PAGE)
    assert [(one.alert_id, one.service) for one in receiver.taken] == [(PAGE.alert_id, "checkout")]


def test_what_logs_can_hold_is_taken_as_well(receiver: Receiver) -> None:
    destination_of(receiver).deliver(ODD)
    assert receiver.alert_ids() == [ODD.alert_id]


@pytest.mark.parametrize("status", [500, 503, 401, 404])
def test_what_may_pass_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.faults.append(Fault(status, "not today"))
    with pytest.raises(NotNow, match=f"HTTP {status}: not today"):
        destination_of(receiver).deliver(PAGE)
    destination_of(receiver).deliver(PAGE)
    assert receiver.alert_ids() == [PAGE.alert_id]


def test_a_busy_receiver_says_how_long(receiver: Receiver) -> None:
    receiver.faults.append(Fault(429, "rate_limited"))
    with pytest.raises(NotNow) as caught:
        destination_of(receiver).deliver(PAGE)
    assert caught.value.retry_after_s == 1.0


def test_a_broken_connection_and_a_lost_answer_are_tried_again(receiver: Receiver) -> None:
    destination = destination_of(receiver)
    receiver.faults += [Fault(), Fault(after=True)]
    for _ in range(2):
        with pytest.raises(NotNow, match="connection"):
            destination.deliver(PAGE)
    destination.deliver(PAGE)
    assert receiver.alert_ids() == [PAGE.alert_id]


def test_a_receiver_that_does_not_answer_costs_the_timeout(receiver: Receiver) -> None:
    receiver.faults.append(Fault(delay_s=60.0))
    with pytest.raises(NotNow, match=r"no whole answer within 0\.2 s"):
        destination_of(receiver, 0.2).deliver(PAGE)


def test_one_that_speaks_ever_so_slowly_costs_the_timeout_too() -> None:
    """Each byte comes in time; the whole answer never does."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            client, _ = listening.accept()
            with client:
                while not over.is_set():
                    try:
                        client.sendall(b"x")
                    except OSError:
                        return
                    over.wait(0.02)

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        with pytest.raises(NotNow, match=r"no whole answer within 0\.3 s"):
            request("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/", 0.3)
        over.set()
        dripping.join()


def test_nobody_there(receiver: Receiver) -> None:
    destination = destination_of(receiver)
    receiver.__exit__()
    with pytest.raises(NotNow, match="no connection"):
        destination.deliver(PAGE)


def test_pagerduty_refuses_for_good_what_is_invalid() -> None:
    with PagerDutyReceiver() as receiver:
        with pytest.raises(Refused, match="routing_key"):
            PagerDuty("oncall", receiver.url, Secret("wrong"), TIMEOUT_S).deliver(PAGE)
        assert not receiver.taken


def test_pagerduty_folds_by_dedup_key() -> None:
    with PagerDutyReceiver() as receiver:
        for _ in range(3):
            destination_of(receiver).deliver(PAGE)
        assert receiver.alert_ids() == [PAGE.alert_id]
        assert [one.repeat for one in receiver.taken] == [False, True, True]


@pytest.mark.parametrize("deployment", ["server", "cloud"])
def test_jira_has_one_issue_for_an_alert_however_often_it_is_sent(deployment: str) -> None:
    with JiraReceiver(deployment) as receiver:
        assert isinstance(receiver, JiraReceiver)
        receiver.faults += [Fault(passes=True), Fault(after=True)]  # the answer to the creation is lost
        with pytest.raises(NotNow):
            jira(receiver, deployment=deployment).deliver(PAGE)
        for _ in range(2):
            jira(receiver, deployment=deployment).deliver(PAGE)
        assert [issue["fields"]["labels"] for issue in receiver.issues] == [[f"alert-{PAGE.alert_id}"]]


def test_jira_tells_of_a_wrong_token_project_or_deployment() -> None:
    with JiraReceiver() as receiver:
        with pytest.raises(NotNow, match="401"):
            jira(receiver, token="old").deliver(PAGE)
        with pytest.raises(NotNow, match="is there such a project"):
            jira(receiver, project="NONE").deliver(PAGE)
        with pytest.raises(NotNow, match="HTTP 404"):
            jira(receiver, deployment="cloud").deliver(PAGE)


def test_a_page_that_answers_in_slacks_place_is_not_slack() -> None:
    with SlackReceiver() as receiver:
        receiver.faults.append(Fault(200, "<html>please log in</html>"))
        with pytest.raises(NotNow, match="`ok`"):
            destination_of(receiver).deliver(PAGE)


def test_slack_is_told_nothing_that_it_would_obey() -> None:
    with SlackReceiver() as receiver:
        destination_of(receiver).deliver(ODD)
        assert b"<!channel>" not in receiver.requests[0].body


def test_no_error_names_an_address_or_a_secret() -> None:
    with SlackReceiver() as receiver:
        receiver.faults += [Fault(), Fault(delay_s=60.0)]
        for timeout_s in (5.0, 0.2):
            with pytest.raises(NotNow) as caught:
                destination_of(receiver, timeout_s).deliver(PAGE)
            assert "secret" not in str(caught.value) and "127.0.0.1" not in str(caught.value)
            assert caught.value.__cause__ is None


@pytest.mark.parametrize(("said", "meant"), [("7", 7.0), ("0", 0.0), ("99999", 300.0), ("soon", None), ("-3", None)])
def test_retry_after(said: str, meant: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with SlackReceiver() as receiver:
        monkeypatch.setattr(receiver, "headers_of", lambda status: {"Retry-After": said})
        assert request("POST", receiver.webhook, TIMEOUT_S, {"text": "x"}).retry_after_s == meant


def test_retry_after_as_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    with SlackReceiver() as receiver:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
        monkeypatch.setattr(receiver, "headers_of", lambda status: {"Retry-After": date})
        said = request("POST", receiver.webhook, TIMEOUT_S, {"text": "x"}).retry_after_s
    assert said is not None and 60 < said <= 100
