from __future__ import annotations

from collections import deque
from pathlib import Path

# kubelet keeps no more of a termination message, ...
LIMIT = 4096
# ... nor of what a container has printed last, where that stands in for one.
LINES = 80
LOG_LIMIT = 2048


class TerminationLog:
    """The file in which a container may say why it ends, and the last lines that it has printed.

    `falls_back` is the terminationMessagePolicy FallbackToLogsOnError.
    """

    def __init__(self, file: Path, *, falls_back: bool) -> None:
        self.file = file
        self._falls_back = falls_back
        self._lines: deque[str] = deque(maxlen=LINES)

    def begin(self) -> None:
        """Empty it for a new container."""
        self.file.write_bytes(b"")
        self._lines.clear()

    def printed(self, line: str) -> None:
        """Take note of a line that the container has printed."""
        self._lines.append(line)

    def message(self, exit_code: int) -> str:
        """Return what `kubectl describe` shows as the message of a container that has ended."""
        try:
            with self.file.open("rb") as file:
                message = file.read(LIMIT).decode(errors="replace")
        except OSError:
            message = ""
        if not message and exit_code and self._falls_back:
            text = "".join(f"{line}\n" for line in self._lines).encode()
            message = text[-LOG_LIMIT:].decode(errors="replace")
        return message
