"""A worker that starts Claude, and tells how long it took, the API's part excepted.

Needs the extra `claude`; runs offline, against the stand-in Messages API of the examples.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

import anyio

from benchmarks.candidates import Watch
from benchmarks.processes import ROOT

sys.path.insert(0, str(ROOT / "examples"))

from stand_in_api import StandInAPI, cli_environment


async def work(_: Watch) -> dict[str, float]:
    """Import the SDK, start the CLI and make a first call; return how many s each took."""
    folder = tempfile.mkdtemp()
    api = StandInAPI()
    api.start()
    os.environ.update(cli_environment(api.url, folder))
    began = time.perf_counter()
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    imported = time.perf_counter()
    options = ClaudeAgentOptions(cwd=folder, setting_sources=[], tools=[])
    with anyio.fail_after(60):
        async with ClaudeSDKClient(options) as client:
            connected = time.perf_counter()
            await client.query("How long does a first call take?")
            async for _message in client.receive_response():
                pass
            answered = time.perf_counter()
    return {
        "import of the Claude SDK": imported - began,
        "CLI start": connected - imported,
        "first API call, the client's part": answered - connected,
    }
