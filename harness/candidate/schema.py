"""The tables of a manifest and what each key may hold. Strict.

No key that is not listed, no value of another type.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.candidate.values import ClockKind, StoreKind

ID_PATTERN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_COMMIT_PATTERN = re.compile(r"[0-9a-f]{7,40}")
_PROMPT_PATTERN = re.compile(r"seeds|[A-Za-z0-9_-][A-Za-z0-9._-]*@[A-Za-z0-9._-]+")
_ENV_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Folders of our own lie beside those of candidates, under the same OUT.
_RESERVED_IDS = frozenset({"compare", "selftest", "site", "demo"})
# The clock shim and the places of our own come in by these; a manifest that sets them would measure something else.
_RESERVED_ENV = re.compile(r"LD_PRELOAD|LD_AUDIT|HARNESS_.*")
# Sub-tables of [run] and [component] are the overrides of a challenge; kept under a name that no TOML file writes.
OVERRIDES = "\0overrides"


def _id(value: str) -> str:
    if not ID_PATTERN.fullmatch(value):
        raise ValueError("1 to 100 letters, digits, '.', '_' or '-', not starting with '.'")
    if value in _RESERVED_IDS:
        raise ValueError(f"another name than {value!r}, which is a folder of the harness's own")
    return value


def _commit(value: str) -> str:
    if not _COMMIT_PATTERN.fullmatch(value):
        raise ValueError("a commit's sha of 7 to 40 lower-case hex digits (a branch moves)")
    return value


def _prompt(value: str) -> str:
    if not _PROMPT_PATTERN.fullmatch(value):
        raise ValueError('"seeds" or "<challenge>@<version>"')
    return value


def _argv(value: list[str]) -> list[str]:
    if not value or not value[0] or any("\0" in argument for argument in value):
        raise ValueError("a list of text that starts with a program, none of it with a NUL")
    return value


def _env(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _ENV_PATTERN.fullmatch(name) or "\0" in text:
            raise ValueError(f"names of letters, digits and _ with text without a NUL, not {name!r}")
        if _RESERVED_ENV.fullmatch(name):
            raise ValueError(f"no {name}, which belongs to the harness")
    return value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _some(value: list[str]) -> list[str]:
    if not value or len(set(value)) != len(value):
        raise ValueError("at least one challenge, none of them twice")
    return value


Id = Annotated[str, AfterValidator(_id)]
Commit = Annotated[str, AfterValidator(_commit)]
Argv = Annotated[list[str], AfterValidator(_argv)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class CandidateTable(_Table):
    """`[candidate]`: what the commit is and where it comes from."""

    id: Id | None = None
    challenge: Annotated[list[Id], BeforeValidator(_one_or_many), AfterValidator(_some)] = []
    model: str | None = None
    repo: Annotated[str, Field(min_length=1)] | None = None
    commit: Commit | None = None
    base: Commit | None = None
    prompt: Annotated[str, AfterValidator(_prompt)] | None = None
    repairs: list[str] = []
    adapter: Annotated[str, Field(min_length=1)] | None = None
    base_tables: list[Annotated[str, Field(min_length=1)]] = []


class BuildTable(_Table):
    """`[build]`: steps, in order, and whether they may use the network."""

    steps: list[Argv] = []
    network: bool = False


class ProcessTable(_Table):
    """The keys of `[run]`, `[component]` and of their overrides for one challenge; None is not given."""

    command: Argv | None = None
    store: StoreKind | None = None
    store_tcp: bool | None = None
    clock: ClockKind | None = None
    env: Annotated[dict[str, str], AfterValidator(_env)] = {}
    language: str | None = None


class EntryTable(ProcessTable):
    """`[run]` or `[component]`, with the overrides by challenge."""

    overrides: dict[str, ProcessTable] = Field(default={}, alias="\0overrides")

    @model_validator(mode="before")
    @classmethod
    def _split(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        inner = {key: value for key, value in raw.items() if isinstance(value, dict) and key not in ProcessTable.model_fields}
        return {key: value for key, value in raw.items() if key not in inner} | {OVERRIDES: inner}


class TestsTable(_Table):
    """`[tests]`: the candidate's own tests."""

    command: Argv


class UsageTable(_Table):
    """`[usage]`: what the model spent; `input_tokens` without the cached ones.

    A key that is absent is unknown.
    """

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    wall_seconds: Amount | None = None
    reported_cost_usd: Amount | None = None
    source: str | None = None


class ManifestTables(_Table):
    """A whole manifest file."""

    candidate: CandidateTable = CandidateTable()
    build: BuildTable | None = None
    run: EntryTable | None = None
    component: EntryTable | None = None
    tests: TestsTable | None = None
    usage: UsageTable | None = None
    claims: dict[str, Any] = {}
