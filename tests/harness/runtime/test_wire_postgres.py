"""Postgres messages: however the bytes are cut, the same round trips come out; what is no Postgres is refused in a sentence."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runtime.proxy.pgwire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    SSL_REQUEST,
    Messages,
    PostgresDialect,
    error_message,
    startup_parameters,
)
from harness.runtime.proxy.wire import Part, Request, WireError
from tests.harness.runtime.test_wire_resp import pieces


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def packet(code: int, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(body) + 8, code) + body


STARTUP = packet(196608, b"user\0postgres\0database\0postgres\0\0")
SYNC = message(b"S")
READY = message(b"Z", b"I")


def parse(query: bytes, name: bytes = b"") -> bytes:
    return message(b"P", name + b"\0" + query + b"\0\0\0")


def bind(*values: bytes | None, name: bytes = b"") -> bytes:
    shown = b"".join(struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in values)
    return message(b"B", b"\0" + name + b"\0\0\0" + struct.pack("!H", len(values)) + shown + b"\0\0")


EXECUTE = message(b"E", b"\0\0\0\0\0")


def started(user: str | None = None) -> PostgresDialect:
    dialect = PostgresDialect(user)
    dialect.from_client(STARTUP)
    dialect.from_server(message(b"R", b"\0\0\0\0") + message(b"K", struct.pack("!II", 4711, 1)) + READY, 0)
    return dialect


def shape(requests: list[Request]) -> list[tuple[bytes, str, bool]]:
    return [(request.data, request.kind, request.counted) for request in requests]


UNITS = st.one_of(
    st.binary(max_size=40).map(lambda q: (message(b"Q", q.replace(b"\0", b"") + b"\0"), "query")),
    st.binary(max_size=40).map(lambda q: (parse(q.replace(b"\0", b"")) + bind(b"1", None) + EXECUTE + SYNC, "sync")),
    st.just((SYNC, "sync")),
    st.just((parse(b"SELECT 1") + message(b"H"), "flush")),
    st.binary(max_size=40).map(lambda raw: (message(b"d", raw), "copy")),
)


@given(st.lists(UNITS, max_size=8), st.lists(st.integers(0, 10_000), max_size=8))
def test_any_cutting_gives_the_same_requests(units: list[tuple[bytes, str]], cuts: list[int]) -> None:
    dialect = PostgresDialect()
    data = packet(SSL_REQUEST) + STARTUP + b"".join(raw for raw, _ in units)
    found = shape([request for piece in pieces(data, cuts) for request in dialect.from_client(piece)])
    assert found[:2] == [(packet(SSL_REQUEST), "encryption", False), (STARTUP, "startup", False)]
    assert found[2:] == [(raw, kind, kind in ("query", "sync")) for raw, kind in units]


SERVER = st.sampled_from(
    [
        message(b"C", b"INSERT 0 1\0"),
        message(b"D", b"\0\1\0\0\0\1x"),
        message(b"N", b"SNOTICE\0Mhello\0\0"),
        message(b"A", b"\0\0\0\1channel\0payload\0"),
        message(b"E", b"SERROR\0C23505\0Mno\0\0"),
        READY,
        message(b"Z", b"T"),
    ]
)


@given(st.lists(SERVER, max_size=12), st.integers(0, 4), st.lists(st.integers(0, 10_000), max_size=8))
def test_any_cutting_of_answers_ends_the_same_round_trips(messages: list[bytes], waiting: int, cuts: list[int]) -> None:
    def run(chunks: list[bytes]) -> tuple[bytes, list[bytes]]:
        dialect, left, out, ends, reply = started(), waiting, b"", [], b""
        for chunk in chunks:
            for part, piece in dialect.from_server(chunk, left):
                out += piece
                reply += piece if part is not Part.ASIDE else b""
                if part is Part.LAST:
                    left -= 1
                    ends.append(reply)
                    reply = b""
        return out, ends

    data = b"".join(messages)
    whole = run([data])
    assert run(pieces(data, cuts)) == whole
    assert whole[0] == data
    assert len(whole[1]) == min(waiting, sum(raw.startswith(b"Z") for raw in messages))


@given(st.binary(max_size=300), st.lists(st.integers(0, 1000), max_size=5))
def test_garbage_is_split_or_refused_and_nothing_else(data: bytes, cuts: list[int]) -> None:
    for dialect in (PostgresDialect("postgres"), started()):
        try:
            for piece in pieces(data, cuts):
                for request in dialect.from_client(piece):
                    assert request.describe is None or len(request.describe()) <= 400
                dialect.from_server(piece, 1)
        except WireError as error:
            assert str(error)


@given(
    st.lists(
        st.sampled_from([b"P", b"B", b"D", b"C", b"E", b"S", b"Q", b"F", b"H"]).flatmap(
            lambda kind: st.binary(max_size=30).map(lambda body: message(kind, body))
        ),
        max_size=8,
    )
)
def test_a_message_with_a_broken_body_is_described_or_refused(messages: list[bytes]) -> None:
    dialect = started()
    try:
        for request in dialect.from_client(b"".join(messages)):
            assert request.describe is None or len(request.describe()) <= 400
    except WireError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (packet(196608)[:4].replace(b"\x08", b"\x05") + b"\0\0\0\0", "has 8 to 10000 bytes; 5 were announced"),
        (b"GET / HTTP/1.1\r\n", "has 8 to 10000 bytes"),
        (STARTUP + b"?\0\0\0\4", "has the type \\?"),
        (STARTUP + b"Q\0\0\0\1", "a message of 1 bytes"),
        (STARTUP + b"Q\x7f\0\0\0", "32 MiB are understood"),
        (STARTUP + message(b"P", b"no end"), "lacks the end of a string"),
    ],
)
def test_what_is_no_postgres_is_refused_in_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        PostgresDialect().from_client(data)


def test_encryption_is_declined_and_a_cancel_passes() -> None:
    dialect = PostgresDialect()
    requests = dialect.from_client(packet(GSS_REQUEST) + packet(SSL_REQUEST))
    assert [request.reply for request in requests] == [b"N", b"N"] and not dialect.greeted
    (cancel,) = PostgresDialect().from_client(packet(CANCEL_REQUEST, struct.pack("!II", 1, 2)))
    assert (cancel.kind, cancel.counted, cancel.reply) == ("cancel", False, b"")


def test_only_the_candidates_user_is_let_in() -> None:
    (request,) = PostgresDialect("postgres").from_client(packet(196608, b"user\0harness\0\0"))
    assert request.ends and b"the user of this store is 'postgres'; it was 'harness'" in request.reply
    assert startup_parameters(STARTUP) == {"user": "postgres", "database": "postgres"}


def text_of(*messages: bytes, dialect: PostgresDialect | None = None) -> str:
    (request,) = (dialect or started()).from_client(b"".join(messages))
    assert request.describe is not None
    return request.describe()


def test_a_round_trip_is_described_with_its_values() -> None:
    assert text_of(message(b"Q", b"SELECT 1\0")) == "SELECT 1"
    text = text_of(parse(b"INSERT INTO a VALUES ($1, $2, $3)"), bind(b"x", None, b"\xff\0"), EXECUTE, SYNC)
    assert text == "INSERT INTO a VALUES ($1, $2, $3) [x, null, \\xff\\x00]"
    assert text_of(SYNC) == "nothing but the Sync"


def test_a_named_statement_is_remembered() -> None:
    dialect = started()
    assert text_of(parse(b"SELECT $1", b"s1"), SYNC, dialect=dialect) == "prepare SELECT $1"
    assert text_of(bind(b"7", name=b"s1"), EXECUTE, SYNC, dialect=dialect) == "SELECT $1 [7]"
    dialect.from_client(message(b"C", b"Ss1\0") + SYNC)
    assert text_of(bind(b"7", name=b"s1"), EXECUTE, SYNC, dialect=dialect) == "statement s1 [7]"


def test_the_reply_is_told_in_words() -> None:
    dialect = started()
    dialect.from_server(message(b"C", b"INSERT 0 1\0") + READY, 1)
    assert dialect.last_reply() == "INSERT 0 1" and dialect.backend == 4711
    dialect.from_server(error_message("no", "23505") + message(b"Z", b"E"), 1)
    assert dialect.last_reply() == "error 23505: no, in transaction"


def test_notices_between_round_trips_are_aside() -> None:
    notice = message(b"A", b"\0\0\0\1c\0p\0")
    assert started().from_server(notice, 0) == [(Part.ASIDE, notice)]


def test_a_copy_from_the_client_flows_and_its_second_sync_belongs_to_it() -> None:
    dialect = started()
    dialect.from_client(parse(b"COPY a FROM STDIN") + bind() + EXECUTE + SYNC)
    assert dialect.from_server(message(b"1") + message(b"G", b"\0\0\1\0\0"), 1)[-1][0] is Part.FLOW
    data, done, sync = dialect.from_client(message(b"d", b"1\n") + message(b"c") + SYNC)
    assert data.urgent and done.urgent and dialect.joins(sync)
    dialect.from_server(message(b"C", b"COPY 1\0") + READY, 1)
    assert not dialect.joins(sync)


def test_a_large_message_in_many_pieces_takes_linear_time() -> None:
    data, messages = message(b"d", b"x" * 4_000_000), Messages()
    assert [m for at in range(0, len(data), 1000) for m in messages.feed(data[at : at + 1000])] == [data]
