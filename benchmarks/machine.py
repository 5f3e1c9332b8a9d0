"""The machine that a benchmark runs on: what it is, its cores, and whether it was quiet."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def describe(packages: Iterable[str]) -> dict[str, Any]:
    """Return what a reader must know of the machine to compare figures with their own."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {package: _version(package) for package in packages},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return f"{line.partition(':')[2].strip()} ({platform.machine()})"
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def server_and_client_core() -> tuple[int, int]:
    """Return the core for servers and the one for clients: the same one where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def pin(pid: int, core: int) -> None:
    """Keep every thread of a process on one core; threads that it starts later stay there too."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


class Others:
    """Measures how much CPU other processes take while a benchmark runs."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy = _busy() - _own()

    def cores(self) -> float:
        """Return the cores that others kept busy; call it when all own processes have ended."""
        return max(0.0, (_busy() - _own() - self._busy) / (time.monotonic() - self._began))


def _busy() -> float:
    """Return the seconds that all cores were busy since boot, or taken away by the hypervisor."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
