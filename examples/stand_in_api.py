"""A stand-in for the Messages API on loopback: runs the Claude CLI offline and with no key.

    python examples/stand_in_api.py [answer|silent|error|slow] [--port PORT]

answer: echoes the prompt at once; slow: the same, a word every half second; silent: takes the
request and never answers; error: status 500 to every request.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODES = ("answer", "silent", "error", "slow")
SLOW_DELAY = 0.5  # s between two words


class StandInAPI(ThreadingHTTPServer):
    """Serves `POST /v1/messages` as server-sent events.

    `mode` may be changed at any time; `requests` holds the bodies of the last 100.
    """

    daemon_threads = True

    def __init__(self, mode: str = "answer", port: int = 0) -> None:
        self.mode = mode
        self.requests: deque[dict[str, Any]] = deque(maxlen=100)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The value for ANTHROPIC_BASE_URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> None:
        """Serve from a daemon thread.

        It goes on while the worker's loop is blocked and ends with the process, whatever ends that.
        """
        threading.Thread(target=self.serve_forever, name="stand-in-api", daemon=True).start()


def cli_environment(url: str, home: str) -> dict[str, str]:
    """Return what makes the CLI talk to `url` alone and write to `home` alone."""
    return {
        "ANTHROPIC_API_KEY": "stand-in",
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_USE_BEDROCK": "",
        "CLAUDE_CODE_USE_VERTEX": "",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
        "HOME": home,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


class _Handler(BaseHTTPRequestHandler):
    server: StandInAPI

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        mode = self.server.mode  # who sees the request may change the mode
        self.server.requests.append(request)
        with suppress(ConnectionError):  # the CLI was interrupted or has ended
            if mode == "silent":
                self.connection.recv(1)  # returns when the CLI hangs up
            elif mode == "error":
                self._send_error()
            else:
                answer = f"Stand-in answer to: {_last_prompt(request['messages'])}"
                self._send_answer(request["model"], answer, SLOW_DELAY if mode == "slow" else 0)

    def _send_error(self) -> None:
        error = {"type": "api_error", "message": "the stand-in fails every request"}
        self._send_headers(500, "application/json")
        self.wfile.write(json.dumps({"type": "error", "error": error}).encode())

    def _send_answer(self, model: str, text: str, delay: float) -> None:
        self._send_headers(200, "text/event-stream")
        message: dict[str, Any] = {
            "id": "msg_stand_in",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        self._send_event("message_start", message=message)
        self._send_event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for word in re.findall(r"\s*\S+|\s+", text):
            self._send_event(
                "content_block_delta", index=0, delta={"type": "text_delta", "text": word}
            )
            time.sleep(delay)
        self._send_event("content_block_stop", index=0)
        self._send_event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": len(text.split())},
        )
        self._send_event("message_stop")

    def _send_headers(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()

    def _send_event(self, kind: str, **data: Any) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode())


def _last_prompt(messages: list[dict[str, Any]]) -> str:
    content = next(m["content"] for m in reversed(messages) if m["role"] == "user")
    if isinstance(content, str):
        return content
    return next(str(block["text"]) for block in reversed(content) if block["type"] == "text")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mode", nargs="?", default="answer", choices=MODES)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    args = parser.parse_args()
    try:
        api = StandInAPI(args.mode, args.port)
    except (OSError, OverflowError) as error:
        parser.exit(2, f"stand_in_api: cannot listen on 127.0.0.1:{args.port}: {error}\n")
    sys.stdout.write(f"ANTHROPIC_BASE_URL={api.url} ANTHROPIC_API_KEY=stand-in\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        api.serve_forever()


if __name__ == "__main__":
    main()
