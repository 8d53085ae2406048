"""RESP frames: however the bytes are cut, the same frames come out; what is no RESP is refused in a sentence."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runtime.proxy import resp
from harness.runtime.proxy.resp import Frames, RespDialect, words_of
from harness.runtime.proxy.wire import Part, Request, WireError, visible


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


LINES = st.binary(max_size=12).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
SCALARS = st.one_of(
    LINES.map(lambda text: b"+" + text + b"\r\n"),
    LINES.map(lambda text: b"-ERR " + text + b"\r\n"),
    st.integers(-(2**60), 2**60).map(lambda n: b":%d\r\n" % n),
    st.sampled_from(
        [
            b"$-1\r\n",
            b"*-1\r\n",
            b"_\r\n",
            b"#t\r\n",
            b",1.5\r\n",
            b",inf\r\n",
            b"(12345678901234567890\r\n",
            b"*0\r\n",
            b"%0\r\n",
        ]
    ),
    st.binary(max_size=40).map(lambda raw: b"$%d\r\n%s\r\n" % (len(raw), raw)),
    st.binary(max_size=20).map(lambda raw: b"=%d\r\ntxt:%s\r\n" % (len(raw) + 4, raw)),
    st.binary(max_size=20).map(lambda raw: b"!%d\r\n%s\r\n" % (len(raw), raw)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: b"*%d\r\n" % len(items) + b"".join(items)),
        st.lists(inner, max_size=4).map(lambda items: b"~%d\r\n" % len(items) + b"".join(items)),
        st.lists(st.tuples(inner, inner), max_size=3).map(
            lambda pairs: b"%%%d\r\n" % len(pairs) + b"".join(key + value for key, value in pairs)
        ),
        st.tuples(inner, inner, inner).map(lambda parts: b"|1\r\n" + b"".join(parts)),
    ),
    max_leaves=12,
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(st.lists(VALUES, max_size=6), st.lists(st.integers(0, 10_000), max_size=8))
def test_any_cutting_gives_the_same_frames(values: list[bytes], cuts: list[int]) -> None:
    frames = Frames()
    found = [frame for piece in pieces(b"".join(values), cuts) for frame in frames.feed(piece)]
    assert found == values


@given(st.lists(VALUES, max_size=4))
def test_byte_by_byte_too(values: list[bytes]) -> None:
    frames = Frames()
    data = b"".join(values)
    assert [frame for at in range(len(data)) for frame in frames.feed(data[at : at + 1])] == values


@given(
    st.lists(st.lists(st.binary(max_size=30), min_size=1, max_size=6), max_size=6), st.lists(st.integers(0, 10_000), max_size=8)
)
def test_words_survive_the_wire(commands: list[list[bytes]], cuts: list[int]) -> None:
    frames = Frames(inline=True)
    data = b"".join(command(*words) for words in commands)
    assert [words_of(frame) for piece in pieces(data, cuts) for frame in frames.feed(piece)] == commands


@given(st.binary(max_size=200), st.lists(st.integers(0, 1000), max_size=5))
def test_garbage_is_split_or_refused_and_nothing_else(data: bytes, cuts: list[int]) -> None:
    dialect = RespDialect()
    try:
        for piece in pieces(data, cuts):
            for request in dialect.from_client(piece):
                assert request.describe is None or len(request.describe()) <= 400
            dialect.from_server(piece, 1)
    except WireError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"*1\r\n$abc\r\n", "a length was expected"),
        (b"*1\r\n$3\r\nabcde\r\n", "does not end where it should"),
        (b"*99999999\r\n", "list of 99999999 elements"),
        (b"$99999999\r\n", "value of 99999999 bytes"),
        (b"?1\r\n", "no message of the protocol begins with"),
        (b"+OK\n", "must end with CR LF"),
        (b"+" + b"x" * 100_000, "a line of more than 64 KiB"),
    ],
)
def test_what_is_no_resp_is_refused_in_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        Frames().feed(data)


def test_a_large_value_in_many_pieces_takes_linear_time() -> None:
    frames, raw = Frames(), b"x" * 4_000_000
    data = command(b"SET", b"k", raw)
    found = [frame for at in range(0, len(data), 1000) for frame in frames.feed(data[at : at + 1000])]
    assert found == [data]


def kinds(*frames: bytes) -> list[tuple[str, bool]]:
    dialect = RespDialect()
    return [(request.kind, request.counted) for request in dialect.from_client(b"".join(frames))]


def test_commands_count_and_what_only_sets_up_or_waits_does_not() -> None:
    assert kinds(command(b"SET", b"a", b"1"), command(b"hello", b"3"), command(b"BLPOP", b"q", b"0"), b"GET a\r\n") == [
        ("SET", True),
        ("HELLO", False),
        ("BLPOP", False),
        ("GET", True),
    ]
    assert kinds(
        command(b"XREAD", b"COUNT", b"1", b"BLOCK", b"0", b"STREAMS", b"s", b"$"), command(b"XREAD", b"STREAMS", b"s", b"0")
    ) == [
        ("XREAD", False),
        ("XREAD", True),
    ]
    assert kinds(b"\r\n", b"*0\r\n") == [("empty", False)] * 2


def test_a_transaction_is_one_round_trip_its_exec() -> None:
    requests = RespDialect().from_client(
        command(b"MULTI") + command(b"SET", b"a", b"1") + command(b"INCR", b"n") + command(b"EXEC")
    )
    assert [request.counted for request in requests] == [False, False, False, True]
    assert requests[-1].describe is not None and requests[-1].describe() == "EXEC of SET a 1; INCR n"
    assert kinds(command(b"MULTI"), command(b"SET", b"a", b"1"), command(b"DISCARD"), command(b"GET", b"a"))[-1] == (
        "GET",
        True,
    )


def test_pushes_and_published_messages_belong_to_no_command() -> None:
    dialect = RespDialect()
    push, reply = b">2\r\n$10\r\ninvalidate\r\n*0\r\n", b"$1\r\n1\r\n"
    assert dialect.from_server(push + reply + push, 1) == [(Part.ASIDE, push), (Part.LAST, reply), (Part.ASIDE, push)]
    assert dialect.last_reply() == "$1 1"
    message = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n"
    assert dialect.from_server(message, 1)[0][0] is Part.LAST
    dialect.from_client(command(b"SUBSCRIBE", b"c"))
    assert dialect.from_server(message, 1)[0][0] is Part.ASIDE


def test_a_command_that_asks_for_silence_is_answered_by_the_proxy() -> None:
    (request,) = RespDialect().from_client(command(b"CLIENT", b"REPLY", b"OFF"))
    assert isinstance(request, Request) and request.reply.startswith(b"-ERR CLIENT REPLY")


def test_bytes_are_made_visible() -> None:
    assert visible(b"a\x00\xff\n\xc3\xa9") == "a\\x00\\xff\\né"
    assert visible(b"x" * 500, 10) == "x" * 9 + "…"
    assert resp.describe([b"SET", b"", b"\x01"]) == "SET '' \\x01"
