"""A FastAPI app with liveness on a port of its own and readiness as a page.

    python examples/web_app.py

- `/healthz`: 200 while the event loop answers; it asks nobody.
- `/ready`: 200 while every condition holds, else 503 and the names of those that do not. All of
  them are about this process: what others do is no reason to take it out of service.
- `LIVENESS_PORT`: listens while the app is alive, and from before it has loaded.

Environment, with defaults: PORT 8000, LIVENESS_PORT 9090, STALL_TIMEOUT 10 (s), LOAD_SECONDS 0,
PAUSE_FILE /tmp/paused (not ready while that file exists), MAX_IN_HAND 100 (requests).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import uvicorn
from fastapi import FastAPI, Response
from starlette.datastructures import State

import tcp_probe

PORT = int(os.environ.get("PORT", "8000"))
LIVENESS_PORT = int(os.environ.get("LIVENESS_PORT", "9090"))
STALL_TIMEOUT = float(os.environ.get("STALL_TIMEOUT", "10"))
LOAD_SECONDS = float(os.environ.get("LOAD_SECONDS", "0"))
PAUSE_FILE = anyio.Path(os.environ.get("PAUSE_FILE", "/tmp/paused"))  # noqa: S108 (the container's own)
MAX_IN_HAND = int(os.environ.get("MAX_IN_HAND", "100"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Listen for checks first, then load beside the pages, which say meanwhile what is missing."""
    app.state.loaded, app.state.in_hand = False, 0
    async with (
        tcp_probe.serve(LIVENESS_PORT, stall_timeout=STALL_TIMEOUT),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(load, app.state)
        yield
        tasks.cancel_scope.cancel()


async def load(state: State) -> None:
    """Load what the work needs. What is synchronous belongs in `anyio.to_thread.run_sync`."""
    await anyio.sleep(LOAD_SECONDS)
    state.loaded = True


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> str:
    """Tell that the loop answers."""
    return "ok"


@app.get("/ready")
async def ready(response: Response) -> list[str]:
    """Name the conditions that do not hold."""
    conditions = {
        "loaded": app.state.loaded,
        "not paused": not await PAUSE_FILE.exists(),
        "room for requests": app.state.in_hand < MAX_IN_HAND,
    }
    unmet = [name for name, holds in conditions.items() if not holds]
    response.status_code = 503 if unmet else 200
    return unmet


@app.get("/")
async def work(seconds: float = 0) -> str:
    """Do some work."""
    app.state.in_hand += 1
    try:
        await anyio.sleep(seconds)
    finally:
        app.state.in_hand -= 1
    return "done"


if __name__ == "__main__":
    # Every address of the pod: that is where Kubernetes and its Services connect to.
    uvicorn.run(app, host="0.0.0.0", port=PORT)  # noqa: S104
