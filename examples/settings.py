from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PORT = 65535


@dataclass(frozen=True)
class Settings:
    """What the worker reads from its environment; times are in seconds."""

    spool: Path
    probe_host: str | None
    liveness_port: int
    readiness_port: int
    turn_timeout: float
    watchdog_timeout: float
    stall_timeout: float
    attempts: int
    retry_delay: float
    poll_interval: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings; raises ValueError, which names the variable, for a bad value."""

        def seconds(name: str, default: float) -> float:
            text = environment.get(name) or str(default)
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be a positive number of seconds, not {text!r}")
            return value

        def whole(name: str, default: int, lowest: int, highest: int) -> int:
            text = environment.get(name) or str(default)
            if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
                raise ValueError(
                    f"{name} must be a whole number from {lowest} to {highest}, not {text!r}"
                )
            return int(text)

        turn_timeout = seconds("TURN_TIMEOUT", 120)
        settings = cls(
            spool=Path(environment.get("SPOOL") or "spool"),
            probe_host=environment.get("PROBE_HOST") or None,
            liveness_port=whole("LIVENESS_PORT", 9090, 0, MAX_PORT),
            readiness_port=whole("READINESS_PORT", 9091, 0, MAX_PORT),
            turn_timeout=turn_timeout,
            watchdog_timeout=seconds("WATCHDOG_TIMEOUT", turn_timeout + 60),
            stall_timeout=seconds("STALL_TIMEOUT", 10),
            attempts=whole("ATTEMPTS", 3, 1, 1000),
            retry_delay=seconds("RETRY_DELAY", 5),
            poll_interval=seconds("POLL_INTERVAL", 1),
        )
        if settings.watchdog_timeout <= turn_timeout:
            raise ValueError(
                f"WATCHDOG_TIMEOUT must be longer than TURN_TIMEOUT ({turn_timeout:g} s), "
                f"not {settings.watchdog_timeout:g} s: a silent API would cost a restart"
            )
        return settings
