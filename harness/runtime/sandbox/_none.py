"""No sandbox: the operator's own choice. Limits still hold; the file system and the network are open."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.candidate.cache import remove
from harness.errors import CandidateDied
from harness.paths import scratch_prefix
from harness.runtime.sandbox._base import Launch, Mount, Spawned, fill
from harness.runtime.sandbox.limits import CgroupGroup, apply_rlimits, make_group
from harness.runtime.toolbox import toolbox_path

_PR_SET_PDEATHSIG = 1
_KEYCTL_JOIN_SESSION_KEYRING = 1
_KEYCTL = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
_libc = ctypes.CDLL(None, use_errno=True)


def child_setup(launch: Launch, group: CgroupGroup | None) -> Callable[[], None]:
    """What the child does between fork and exec: join the cgroup, take the limits, die with its parent."""

    parent = os.getpid()

    def setup() -> None:
        # A session keyring is shared by all that a login starts: without one of its own a candidate reads the operator's keys.
        if _KEYCTL is not None:
            _libc.syscall(_KEYCTL, _KEYCTL_JOIN_SESSION_KEYRING, None)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above: nobody would end this child
            os._exit(1)
        if group is not None:
            group.join()
        apply_rlimits(launch.limits, in_cgroup=group is not None)

    return setup


class NoSandbox:
    """Starts the command as an ordinary process in a session of its own."""

    level = "none"

    def inside(self, mount: Mount) -> str:
        """The host's own path."""
        return str(mount.host)

    def spawn(self, launch: Launch) -> Spawned:
        """See `Sandbox.spawn`."""
        paths = {name: self.inside(mount) for name, mount in launch.mounts.items()}
        home = Path(tempfile.mkdtemp(prefix=scratch_prefix("home")))
        env = {
            "PATH": f"{toolbox_path()}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
        }
        env |= {key: fill(value, paths) for key, value in launch.env.items()}
        argv = [fill(part, paths) for part in launch.argv]
        group = make_group(launch.limits)
        try:
            popen = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=fill(launch.cwd, paths),
                env=env,
                start_new_session=True,
                preexec_fn=child_setup(launch, group),
            )
        except OSError as error:
            if group is not None:
                group.close()
            remove(home)
            raise CandidateDied(f"the command {argv[0]!r} could not be started: {error.strerror or error}") from error
        return Spawned(popen, popen.pid, group, cleanup=lambda: remove(home))
