"""Runs one build step in a sandbox: output bounded, time bounded, the network only where the operator's manifest allows it."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.candidate.build import StepResult
from harness.candidate.cache import remove
from harness.candidate.disk import LOOK_S, DiskWatch
from harness.errors import CandidateDied
from harness.paths import scratch_prefix
from harness.runtime import tree
from harness.runtime.sandbox import Launch, Limits, Mount, Sandbox, Spawned

GIB = 1 << 30
BUILD_LIMITS = Limits(memory_bytes=6 * GIB, pids=1024, open_files=65536, file_bytes=4 * GIB, tmp_bytes=GIB)
TAIL_BYTES = 16 * 1024
# What a package client needs in order to reach the registries that the operator uses; never a credential.
NETWORK_ENV = re.compile(
    r"^(https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|PIP_CERT|PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|PIP_FIND_LINKS|PIP_DEFAULT_TIMEOUT|npm_config_registry|npm_config_cafile)$"
)
SECRET = re.compile(r"_auth|password|token|://[^/@\s]*@", re.IGNORECASE)
CONFIG_FILES = ("/etc/pip.conf", "/etc/xdg/pip", "/etc/npmrc")
NPMRC_KEYS = re.compile(r"^\s*(@[\w.-]+:)?(registry|cafile|strict-ssl|proxy|https-proxy|noproxy)\s*=")


class SandboxRunner:
    """A `BuildRunner` over a sandbox: the copy of the tree is writable, the adapter and the SDK are not.

    `more` are mounts that every step finds besides, by name.
    """

    def __init__(self, sandbox: Sandbox, sdk: Path, more: Mapping[str, Mount] | None = None) -> None:
        self._sandbox = sandbox
        self._sdk = sdk
        self._more = dict(more or {})

    def run_step(
        self,
        argv: list[str],
        *,
        cwd: Path,
        root: Path,
        adapter: Path | None,
        network: bool,
        env: dict[str, str],
        timeout_s: float,
        max_output_bytes: int,
        max_disk_bytes: int = 8 * GIB,
    ) -> StepResult:
        """Runs `argv` in `cwd` (inside `root`). Raises InfraError if the sandbox itself fails."""
        with _scratch() as home:
            mounts = (
                program_mounts(root, adapter, self._sdk, writable=True)
                | {"scratch": Mount(home, "/scratch", True)}
                | self._more
            )
            inside = "{checkout}" + ("/" + cwd.relative_to(root).as_posix() if cwd != root else "")
            own = {"HOME": "{scratch}", "TMPDIR": "{scratch}", "CI": "true", **env}
            passthrough = network_files(home) if network else ()
            launch = Launch(
                tuple(argv),
                mounts,
                inside,
                own | (network_env() if network else {}),
                network,
                BUILD_LIMITS,
                tuple(passthrough),
            )
            started = time.monotonic()
            disk = DiskWatch((root, home), max_disk_bytes)
            try:
                spawned = self._sandbox.spawn(launch)
            except CandidateDied as error:
                return StepResult(127, False, False, str(error), time.monotonic() - started)
            return _watch(spawned, started, timeout_s, max_output_bytes, disk)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A private folder that is gone afterwards, whatever a step made in it."""
    home = Path(tempfile.mkdtemp(prefix=scratch_prefix("build")))
    try:
        yield home
    finally:
        remove(home)


def program_mounts(root: Path, adapter: Path | None, sdk: Path, *, writable: bool = False) -> dict[str, Mount]:
    """Where a candidate's tree, its adapter and the SDKs are found inside a sandbox, in builds and in runs alike."""
    mounts = {"checkout": Mount(root, "/candidate", writable), "sdk": Mount(sdk, "/candidates/sdk")}
    if adapter is not None:
        mounts["adapter"] = Mount(adapter, f"/candidates/adapters/{adapter.name}")
    return mounts


def network_env() -> dict[str, str]:
    """The operator's proxy, certificate and registry settings, less whatever looks like a credential."""
    return {key: value for key, value in os.environ.items() if NETWORK_ENV.match(key) and not SECRET.search(value)}


def network_files(home: Path) -> list[Mount]:
    """Configuration and certificates that those settings name; the npm configuration is written anew into `home`."""
    named = [Path(value) for key, value in network_env().items() if key.endswith(("CERTS", "CERT", "BUNDLE", "FILE", "LINKS"))]
    own = Path.home() / ".npmrc"
    kept: list[str] = []
    for path in (own,):
        with contextlib.suppress(OSError):
            kept += [line for line in path.read_text().splitlines() if NPMRC_KEYS.match(line) and not SECRET.search(line)]
    (home / ".npmrc").write_text("\n".join(kept) + "\n")
    named += [Path(line.split("=", 1)[1].strip().strip('"')) for line in kept if "cafile" in line]
    paths = {path for path in [*named, *map(Path, CONFIG_FILES)] if path.is_absolute() and path.exists()}
    return [Mount(path, str(path)) for path in sorted(paths) if not str(path).startswith(("/etc/ssl", "/usr/"))]


def _watch(spawned: Spawned, started: float, timeout_s: float, max_output_bytes: int, disk: DiskWatch) -> StepResult:
    popen = spawned.popen
    if popen.stdin is None or popen.stdout is None or popen.stderr is None:
        raise ValueError("a step needs all three pipes")
    popen.stdin.close()
    open_fds = {popen.stdout.fileno(), popen.stderr.fileno()}
    deadline = started + timeout_s
    tail, total = bytearray(), 0
    flooded = timed_out = filled = False
    try:
        while (open_fds or popen.poll() is None) and not (flooded or timed_out or filled):
            ready = _wait(popen, open_fds, min(deadline - time.monotonic(), LOOK_S))
            timed_out = not ready and time.monotonic() >= deadline
            for fd in ready:
                chunk = os.read(fd, 1 << 16)
                if not chunk:
                    open_fds.discard(fd)
                    # Output that ends at the last moment leaves the process the time to end too.
                    deadline = max(deadline, time.monotonic() + 1.0)
                total += len(chunk)
                tail += chunk
                del tail[: max(len(tail) - TAIL_BYTES, 0)]
            flooded = total > max_output_bytes
            filled = disk.over(lambda: _pids(spawned))
        stopped = flooded or timed_out or filled
        code = None if stopped else popen.returncode
        text = tail.decode("utf-8", "replace")
        return StepResult(code, timed_out, flooded, text, time.monotonic() - started, disk_flooded=filled)
    finally:
        _end(spawned)


def _wait(popen: subprocess.Popen[bytes], open_fds: set[int], seconds: float) -> list[int]:
    """What has output to read, after `seconds` at most; nothing once all output has ended and the process too."""
    if open_fds:
        return select.select(list(open_fds), [], [], max(seconds, 0))[0]
    with contextlib.suppress(subprocess.TimeoutExpired):
        popen.wait(max(seconds, 0))
    return []


def _pids(spawned: Spawned) -> list[int]:
    return spawned.group.pids() if spawned.group is not None else tree.descendants(spawned.root_pid)


def _end(spawned: Spawned) -> None:
    if spawned.popen.poll() is None:
        tree.kill(spawned.root_pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            spawned.popen.wait(2.0)
    if spawned.popen.poll() is None:
        spawned.popen.kill()
        spawned.popen.wait()
    for stream in (spawned.popen.stdout, spawned.popen.stderr):
        if stream is not None:
            stream.close()
    if spawned.group is not None:
        spawned.group.close()
    spawned.cleanup()
