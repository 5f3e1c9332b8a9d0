"""Run prompts from a folder through Claude, with a liveness and a readiness port.

    python examples/claude_worker.py                # needs ANTHROPIC_API_KEY
    python examples/claude_worker.py --stand-in     # offline, against a stand-in Messages API
    echo 'What is a TCP handshake?' > spool/inbox/1 # the answer will be in spool/outbox/1

A job whose turns all fail ends in spool/failed/NAME, as `prompt` and `reason`. SIGTERM and SIGINT
drain: the turn in hand is interrupted, its job stays in the inbox, and the worker ends with 0, at
once as a rule, after 21 s at worst. One worker to a spool.

environment variables (times in seconds):
  SPOOL             folder with inbox, outbox and failed (default: spool)
  LIVENESS_PORT     refuses while only a restart helps (9090; 0: a free one)
  READINESS_PORT    refuses without an API key or CLI, and while draining (9091; 0: a free one)
  PROBE_HOST        address of both ports (default: every interface)
  TURN_TIMEOUT      a turn is given up after this time (120)
  WATCHDOG_TIMEOUT  no message for this long: the worker is stuck. Longer than TURN_TIMEOUT and the
                    21 s that ending a turn may take (TURN_TIMEOUT + 60)
  STALL_TIMEOUT     the event loop may stand still for this long (10)
  ATTEMPTS          turns a job may have before a job is set aside (3)
  RETRY_DELAY       pause before the second attempt, doubled before each further one (5)
  POLL_INTERVAL     pause between looks into an empty inbox (1)
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import shutil
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import faults
import stand_in_api
from anyio import to_thread
from settings import Settings
from spool import Spool

import tcp_probe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

MAX_RETRY_DELAY = 300.0  # s

log = logging.getLogger("claude_worker")


@dataclass
class Worker:
    """Takes one job after the other from the spool, as long as it is ready."""

    settings: Settings
    spool: Spool
    probe: tcp_probe.Probe
    ready: tcp_probe.Probe
    ask: Callable[[str, float, Callable[[], None]], Awaitable[str]]
    fault: Callable[[str], Awaitable[None]] | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            # Without a key or a CLI each job would fail: they wait in the inbox instead.
            job = await to_thread.run_sync(self.spool.next_job) if self.ready.listening else None
            if job is None:
                await anyio.sleep(self.settings.poll_interval)
            else:
                await self.run_job(job)

    async def run_job(self, job: Path) -> None:
        """Give the job its turns until one succeeds, or set it aside."""
        reason = ""
        for attempt in range(self.settings.attempts):
            if attempt:
                delay = self.settings.retry_delay * 2 ** (attempt - 1)
                await anyio.sleep(min(delay, MAX_RETRY_DELAY))
            with self.probe.watchdog(self.settings.watchdog_timeout) as watchdog:
                if self.fault:
                    await self.fault(job.name)
                try:
                    prompt = await anyio.Path(job).read_text(encoding="utf-8")
                    answer = await self.ask(prompt, self.settings.turn_timeout, watchdog.reset)
                except Exception as error:  # noqa: BLE001  # the SDK raises bare Exceptions too
                    reason = f"{type(error).__name__}: {error}"
                else:
                    await to_thread.run_sync(self.spool.finish, job, answer)
                    log.info("%s: done", job.name)
                    return
            log.warning("%s: attempt %d failed: %s", job.name, attempt + 1, reason)
        await to_thread.run_sync(self.spool.set_aside, job, reason)
        log.error("%s: set aside in %s", job.name, self.spool.failed)


def find_cli() -> str | None:
    """Return the path of the CLI that the SDK will start; the SDK itself is not imported."""
    sdk = importlib.util.find_spec("claude_agent_sdk")
    for folder in (sdk and sdk.submodule_search_locations) or ():
        bundled = Path(folder, "_bundled", "claude")
        if bundled.is_file():
            return str(bundled)
    return shutil.which("claude")


async def claude_is_ready() -> bool:
    """Tell whether a job could be run, without a call of the API."""
    if not os.environ.get("ANTHROPIC_API_KEY"):
        raise RuntimeError("ANTHROPIC_API_KEY is not set")
    if not find_cli():
        raise RuntimeError("no Claude CLI, neither in claude-agent-sdk nor on PATH")
    return True


async def drain(
    signals: AsyncIterator[signal.Signals], ready: tcp_probe.Probe, work: anyio.CancelScope
) -> None:
    """End the worker at the first signal."""
    async for signum in signals:
        log.info("%s: draining, a job in hand stays in the inbox", signum.name)
        ready.fail("draining")
        work.cancel()


async def serve(settings: Settings, spool: Spool, fault: str | None) -> None:
    """Run the worker inside its two ports until a signal ends it."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with (
            tcp_probe.serve(
                settings.liveness_port,
                host=settings.probe_host,
                stall_timeout=settings.stall_timeout,
            ) as probe,
            tcp_probe.serve(
                settings.readiness_port,
                host=settings.probe_host,
                stall_timeout=None,  # the liveness port watches the loop
                condition=claude_is_ready,
            ) as ready,
            anyio.create_task_group() as tasks,
        ):
            log.info("liveness on port %d, readiness on port %d", probe.port, ready.port)
            tasks.start_soon(drain, signals, ready, tasks.cancel_scope)
            # Imports the SDK, which blocks the loop for a second: the ports listen by now.
            from claude_turn import ask

            worker = Worker(settings, spool, probe, ready, ask)
            if fault:
                marker = settings.spool / "fault-done"
                worker.fault = faults.at_second_job(fault, marker, tasks.cancel_scope.cancel)
            await worker.run()


def main() -> None:
    """Read the arguments and the environment, then work until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--stand-in",
        nargs="?",
        const="answer",
        choices=stand_in_api.MODES,
        help="run against a stand-in Messages API on loopback; what it does (default: answer)",
    )
    parser.add_argument(
        "--fault",
        choices=faults.KINDS,
        help="break once, at the second job; SPOOL/fault-done then keeps the next start whole",
    )
    args = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("claude_agent_sdk").setLevel(logging.WARNING)
    if not importlib.util.find_spec("claude_agent_sdk"):
        parser.exit(2, "claude_worker: pip install claude-agent-sdk, which is not installed\n")
    with ExitStack() as stack:
        if args.stand_in:
            home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            api = stand_in_api.StandInAPI(args.stand_in)
            api.start()
            os.environ.update(stand_in_api.cli_environment(api.url, home))
            log.info("stand-in Messages API on port %d, mode %s", api.server_port, args.stand_in)
        try:
            settings = Settings.from_environment(os.environ)
            spool = Spool(settings.spool)
            anyio.run(serve, settings, spool, args.fault)
        except (OSError, ValueError) as error:
            parser.exit(2, f"claude_worker: {error}\n")


if __name__ == "__main__":
    main()
