"""A worker that starts Claude, and prints as JSON how long it took, the API's part excepted.

Needs the extra `claude`; runs offline, against the stand-in Messages API of the examples.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

import anyio

from benchmarks.candidates import Watch
from benchmarks.processes import ROOT

sys.path.insert(0, str(ROOT / "examples"))

from stand_in_api import StandInAPI, cli_environment


async def work(_: Watch) -> None:
    """Import the SDK, start the CLI and make a first call."""
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
    took = imported - began, connected - imported, answered - connected
    print(json.dumps(dict(zip(("import_s", "cli_start_s", "first_call_s"), took, strict=True))))
