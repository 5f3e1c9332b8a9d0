"""A health server in a thread, from the standard library alone."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class _Healthz(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def start_http_thread(host: str, port: int) -> HTTPServer:
    """Answer every GET with 200, from a daemon thread; the queue holds 5, `HTTPServer`'s own."""
    server = HTTPServer((host, port), _Healthz)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
