from __future__ import annotations

import subprocess
import sys

import tcp_probe


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules outside the standard library that a statement loads."""
    code = f"{statement}; import sys; print(*sys.modules)"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = {name.partition(".")[0] for name in done.stdout.split()}
    return names - set(sys.stdlib_module_names) - {"__mp_main__", "sitecustomize"}


def test_serve_loads_nothing_but_anyio() -> None:
    """The whole of the listener needs no package that `import anyio` does not need."""
    bare = loaded_by("import anyio.lowlevel, anyio.abc")
    assert loaded_by("import tcp_probe; tcp_probe.serve, tcp_probe.Probe") - bare == {"tcp_probe"}


def test_importing_loads_no_module_of_ours_before_it_is_used() -> None:
    """`import tcp_probe` alone costs next to nothing."""
    code = "import tcp_probe, sys; print(*(name for name in sys.modules if 'tcp_probe' in name))"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {name for name in done.stdout.split() if not name.startswith("__editable")} == {
        "tcp_probe"
    }


def test_the_check_command_does_without_anyio() -> None:
    """A check as an exec probe starts without anyio, argparse or typing."""
    code = (
        "import sys; from tcp_probe.__main__ import main; before = set(sys.modules); "
        "main(['check', '1']); "
        "print(*({'anyio', 'argparse', 'typing', 'asyncio', 'encodings.idna'} & set(sys.modules)))"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path}; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == ""


def test_public_names() -> None:
    """The public names are there, and say that they are of the public module."""
    assert tcp_probe.__all__ == ("Probe", "Watchdog", "__version__", "check", "serve", "start")
    for name in tcp_probe.__all__:
        assert name in dir(tcp_probe)
    for name in ("Probe", "Watchdog", "check", "serve", "start"):
        assert getattr(tcp_probe, name).__module__ == "tcp_probe"
