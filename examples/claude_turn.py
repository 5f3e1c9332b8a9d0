from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ResultMessage, SystemMessage

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPT_TIMEOUT = 1.0  # s; the CLI answers in 0.02 s unless it stands still

OPTIONS = ClaudeAgentOptions(
    setting_sources=[],
    tools=[],
    verbatim_prompts=True,  # a prompt from a file must not name files or commands to the CLI
)


class TurnError(Exception):
    """The turn ended without an answer; the message says why."""


async def ask(prompt: str, turn_timeout: float, on_message: Callable[[], None]) -> str:
    """Run one prompt in a session of its own and return the answer; raises TurnError.

    All prompts of one client share one conversation, whatever their `session_id`. A client for
    each costs 0.5 s, keeps jobs apart, and a CLI that died or stands still ends with its turn.

    `turn_timeout` is in seconds: the SDK has no timeout of its own. A turn that was given up or
    cancelled takes 0.1 s more to end, or 11 s if the CLI stands still.
    """
    result: ResultMessage | None = None
    last_retry = ""
    # Each session leaves a transcript and more behind, which would fill the disk job by job.
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        anyio.move_on_after(turn_timeout) as turn,
    ):
        env = {"CLAUDE_CODE_TMPDIR": folder, "CLAUDE_CONFIG_DIR": folder}
        async with ClaudeSDKClient(replace(OPTIONS, cwd=folder, env=env)) as client:
            try:
                await client.query(prompt)
                async for message in client.receive_response():
                    on_message()
                    if isinstance(message, ResultMessage):
                        result = message
                    elif isinstance(message, SystemMessage) and message.subtype == "api_retry":
                        last_retry = (
                            f", API retry {message.data['attempt']}: {message.data['error']}"
                        )
            except anyio.get_cancelled_exc_class():
                # With a request in flight the CLI would take 5 s to end.
                with suppress(Exception), anyio.move_on_after(INTERRUPT_TIMEOUT, shield=True):
                    await client.interrupt()
                raise
    if turn.cancelled_caught:
        raise TurnError(f"no result after {turn_timeout:g} s{last_retry}")
    if result is None:
        raise TurnError("the CLI ended without a result")
    if result.is_error:
        raise TurnError(result.result or "; ".join(result.errors or [result.subtype]))
    return result.result or ""
