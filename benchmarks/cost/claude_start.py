"""How long a Claude worker takes to start, the API's part excepted: prints three times as JSON.

Needs the extra `claude`; runs offline, against the stand-in Messages API of the examples.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from stand_in_api import StandInAPI, cli_environment

_LIMIT = 60.0  # s


async def _measure(folder: str) -> dict[str, float]:
    began = time.perf_counter()
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    imported = time.perf_counter()
    options = ClaudeAgentOptions(cwd=folder, setting_sources=[], tools=[])
    with anyio.fail_after(_LIMIT):
        async with ClaudeSDKClient(options) as client:
            connected = time.perf_counter()
            await client.query("How long does a first call take?")
            async for _ in client.receive_response():
                pass
            answered = time.perf_counter()
    return {
        "import_s": imported - began,
        "cli_start_s": connected - imported,
        "first_call_s": answered - connected,
    }


def main() -> None:
    """Measure once."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        api = StandInAPI()
        api.start()
        os.environ.update(cli_environment(api.url, folder))
        print(json.dumps(anyio.run(_measure, folder)))


if __name__ == "__main__":
    main()
