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


async def main(folder: str) -> None:
    """Measure once."""
    began = time.perf_counter()
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    imported = time.perf_counter()
    options = ClaudeAgentOptions(cwd=folder, setting_sources=[], tools=[])
    with anyio.fail_after(60):
        async with ClaudeSDKClient(options) as client:
            connected = time.perf_counter()
            await client.query("How long does a first call take?")
            async for _ in client.receive_response():
                pass
            answered = time.perf_counter()
    took = imported - began, connected - imported, answered - connected
    print(json.dumps(dict(zip(("import_s", "cli_start_s", "first_call_s"), took, strict=True))))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        api = StandInAPI()
        api.start()
        os.environ.update(cli_environment(api.url, temporary))
        anyio.run(main, temporary)
