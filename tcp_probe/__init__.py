"""A tcpSocket liveness probe that tells the truth, for Python workers without an HTTP server."""

from __future__ import annotations

# `typing` would be a third of the start-up time of `python -m tcp_probe check`.
TYPE_CHECKING = False

__all__ = ("Probe", "Watchdog", "__version__", "check", "serve", "start")
__version__ = "0.2.0"

if TYPE_CHECKING:
    from ._check import check as check
    from ._probe import Probe as Probe
    from ._serve import serve as serve
    from ._start import start as start
    from ._watchdog import Watchdog as Watchdog
else:
    # Unseen by a type checker, which would take any name from a module that has a __getattr__.
    def __getattr__(name: str) -> object:
        # Each is loaded at its first use: a check as an exec probe has no use for anyio.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        home = import_module(f"._{name.lower()}", __name__)
        public = globals()[name] = getattr(home, name)
        return public

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
