from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from harness.candidate.manifest import load_checkout, load_operator, parse_checkout
from harness.candidate.toml_lines import key_lines
from harness.candidate.values import EntrySpec, Usage, fill_command, fill_env
from harness.errors import UsageError

HEAD = """[candidate]
id = "one"
challenge = ["first", "second"]
repo = "github:someone/something"
commit = "0123456789abcdef0123456789abcdef01234567"
"""
RUN = """[run]
command = ["node", "a.js"]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "one.toml"
    path.write_text(text)
    return path


def test_operator_manifest_in_full(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    text = HEAD + (
        'model = "m"\nbase = "abcdef0"\nprompt = "first@1"\nrepairs = ["a"]\nadapter = "adapters"\n'
        'base_tables = ["alerts"]\n'
        '[build]\nsteps = [["a", "{adapter}/b"], ["c"]]\nnetwork = true\n'
        + RUN
        + 'store = "redis"\nenv = { A = "1", B = "2" }\n[run.second]\nclock = "virtual"\nenv = { B = "3" }\n'
        '[component]\ncommand = ["x"]\nlanguage = "rust"\n[tests]\ncommand = ["t"]\n'
        '[usage]\ninput_tokens = 3\nwall_seconds = 2\n[claims]\nanything = { goes = [1, "two"] }\n'
    )
    manifest = load_operator(write(tmp_path, text))
    assert manifest.challenges == ("first", "second")
    assert manifest.adapter == (tmp_path / "adapters").resolve()
    assert manifest.tables.candidate.base_tables == ["alerts"]
    assert manifest.steps() == (("a", "{adapter}/b"), ("c",))
    entries = manifest.entries()
    assert entries["run"]["first"] == EntrySpec(("node", "a.js"), store="redis", env={"A": "1", "B": "2"})
    assert entries["run"]["second"] == EntrySpec(("node", "a.js"), store="redis", clock="virtual", env={"A": "1", "B": "3"})
    assert entries["component"]["first"].language == "rust"
    assert manifest.usage() == Usage(input_tokens=3, wall_seconds=2)
    assert manifest.usage().output_tokens is None
    assert manifest.tables.claims == {"anything": {"goes": [1, "two"]}}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEAD + "[run]\ncomand = ['x']\n", 7, ["'comand'", "[run]", "did you mean `command`"]),
        (HEAD + RUN + "[rum]\n", 8, ["'rum'", "did you mean `run`"]),
        (HEAD + RUN + '[run.secnd]\ncommand = ["x"]\n', 8, ["'secnd'", "did you mean `second`"]),
        (HEAD + "[run]\n\n# why\ncommand = 'node a.js'\n", 9, ["run.command", "a list", "'node a.js'"]),
        (HEAD + RUN + "store = 'postgress'\n", 8, ['"postgres"', "'postgress'", "did you mean `postgres`"]),
        (HEAD + RUN + "store_tcp = 1\n", 8, ["true or false", "the number 1"]),
        (HEAD + RUN + "[run.store]\nx = 1\n", 8, ["run.store", "a table"]),
        (HEAD + RUN + "env = { A = 1 }\n", 8, ["run.env.A", "text", "the number 1"]),
        (HEAD + RUN + 'env = { LD_PRELOAD = "x" }\n', 8, ["LD_PRELOAD", "belongs to the harness"]),
        (HEAD + RUN + "[usage]\ninput_tokens = '3'\n", 9, ["a whole number", "'3'"]),
        (HEAD + RUN + "[usage]\ninput_tokens = -3\n", 9, ["at least 0", "-3"]),
        (HEAD + RUN + "[usage]\nreported_cost_usd = nan\n", 9, ["finite"]),
        (HEAD + "[build]\nsteps = ['npm ci']\n" + RUN, 7, ["build.steps", "a list", "'npm ci'"]),
        (HEAD + "[build]\nsteps = [[]]\n" + RUN, 7, ["starts with a program"]),
        (HEAD + "run = 3\n", 6, ["'run'", "[candidate]"]),
        (HEAD.replace('"one"', '".one"'), 2, ["not starting with '.'", "'.one'"]),
        (HEAD.replace('"one"', '"selftest"'), 2, ["a folder of the harness's own"]),
        (HEAD.replace('"one"', '"a/../b"'), 2, ["letters, digits"]),
        (HEAD.replace('"0123456789abcdef0123456789abcdef01234567"', '"main"'), 5, ["a branch moves", "'main'"]),
        (HEAD.replace('repo = "github:someone/something"\n', ""), 1, ["`repo`"]),
        (HEAD.replace('["first", "second"]', "[]"), 3, ["at least one challenge"]),
        (HEAD + 'prompt = "whatever"\n', 6, ['"seeds"']),
        (HEAD + 'adapter = "nowhere"\n', 6, ["candidate.adapter", "a folder"]),
        (HEAD + '[run]\ncommand = ["{adapter}/x"]\n', 7, ["{adapter}", "candidate.adapter"]),
        (HEAD + "[run\n", 6, ["not valid TOML"]),
        (HEAD + 'text = """\n[run]\n"""\n', 6, ["'text'"]),
        ("[candidate]\nid = '''a\nb'''\nwrong = 1\n", 2, ["candidate.id"]),
    ],
)
def test_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_operator(path).entries()
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: ")
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_entry_without_a_command(tmp_path: Path) -> None:
    manifest = load_operator(write(tmp_path, HEAD + '[run.first]\ncommand = ["x"]\n'))
    with pytest.raises(UsageError, match=r"no command for challenge second.*\[run.second\]"):
        manifest.entries()


def test_missing_file_and_wrong_encoding(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read"):
        load_operator(tmp_path / "none.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[candidate]\nid = '\xe9'\n")
    with pytest.raises(UsageError, match=r":2: expected UTF-8 text, got the byte 0xe9"):
        load_operator(path)


def test_checkout_is_believed_in_part_only() -> None:
    text = HEAD + RUN + '[build]\nsteps = [["a"]]\nnetwork = true\n[tests]\ncommand = ["t"]\n[usage]\n[claims]\nx = 1\n'
    manifest = parse_checkout(text.encode(), "harness.toml")
    assert manifest.steps() == (("a",),)
    assert manifest.tables.build is not None
    assert not manifest.tables.build.network
    assert manifest.tables.candidate.repo is None
    assert manifest.tables.tests is None
    assert manifest.usage() == Usage()
    assert manifest.tables.claims == {}
    assert manifest.notes == (
        "harness.toml: not believed from a checkout's own file, and left out: candidate.commit, candidate.repo, "
        "build.network, [tests], [usage], [claims]",
    )


def test_a_checkout_cannot_have_its_own_tables_left_out() -> None:
    manifest = parse_checkout((HEAD + 'base_tables = ["mine"]\n' + RUN).encode(), "harness.toml")
    assert manifest.tables.candidate.base_tables == [] and "candidate.base_tables" in manifest.notes[0]
    with pytest.raises(UsageError, match="base_tables"):
        parse_checkout((HEAD + RUN + 'base_tables = ["mine"]\n').encode(), "harness.toml")


@pytest.mark.parametrize(
    "data",
    [
        b"[candidate]\nid = 'a'\nchallenge = 'b'\nsecret = 1\n",
        b"a = " + b"[" * 3000,
        b"a = " + b"[" * 40 + b"]" * 40,
        b"a." * 1500 + b"a = 1",
        b"a." * 30000 + b"a = 1",
        b"#" * 70000,
        b"a = " + b"9" * 4000,
        b"\xff\xfe",
        b"\0",
        b"",
        b'[candidate]\nid = "a"\nchallenge = "b"\n[run]\ncommand = ["{adapter}/x"]\n',
    ],
)
def test_hostile_file_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        parse_checkout(data, "harness.toml").entries()
    assert str(caught.value).startswith("harness.toml")
    assert len(str(caught.value)) < 400


def test_checkout_file_must_be_a_plain_file(tmp_path: Path) -> None:
    good = write(tmp_path, HEAD + RUN)
    assert load_checkout(good).id == "one"
    link = tmp_path / "link.toml"
    link.symlink_to(good)
    with pytest.raises(UsageError, match="got a symlink"):
        load_checkout(link)
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="expected a regular file"):
        load_checkout(pipe)
    (tmp_path / "folder.toml").mkdir()
    for load in (load_checkout, load_operator):
        with pytest.raises(UsageError, match=r"folder\.toml: expected a regular file, got a folder"):
            load(tmp_path / "folder.toml")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(UsageError, match=r"cannot be read"):
            load_checkout(tmp_path / "s")
    large = tmp_path / "large.toml"
    large.write_bytes(b"#\n" * 40000)
    with pytest.raises(UsageError, match="at most 65536 bytes"):
        load_checkout(large)


def test_key_lines_see_through_strings_and_nesting() -> None:
    text = 'a = """\nb = 1\n"""\n[t."x.y"]\nc = [\n  { d = 1 },\n  "#]",\n]\ne.f = 2 # g = 3\n[[l]]\nh = \'[\'\n[t.z]\n'
    lines = key_lines(text)
    assert lines == {
        ("a",): 1,
        ("t",): 4,
        ("t", "x.y"): 4,
        ("t", "x.y", "c"): 5,
        ("t", "x.y", "e"): 9,
        ("t", "x.y", "e", "f"): 9,
        ("l",): 10,
        ("l", "h"): 11,
        ("t", "z"): 12,
    }


def test_placeholders() -> None:
    assert fill_command(["{adapter}/a", "{checkout}{other}"], checkout="/c", adapter="/x") == ["/x/a", "/c{other}"]
    assert fill_env({"P": "{checkout}"}, checkout="/c", adapter="/x") == {"P": "/c", "HARNESS_ADAPTER": "/x"}
    # What is filled in is not looked at again.
    assert fill_command(["{checkout}"], checkout="/{adapter}", adapter="/x") == ["/{adapter}"]
    with pytest.raises(ValueError, match=r"candidate\.adapter"):
        fill_command(["{adapter}"], checkout="/c", adapter=None)
