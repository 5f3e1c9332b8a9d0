"""Which core is for servers and which for clients, as it is before this process keeps to one."""

from __future__ import annotations

from benchmarks.machine import server_and_client_core

SERVER_CORE, CLIENT_CORE = server_and_client_core()
