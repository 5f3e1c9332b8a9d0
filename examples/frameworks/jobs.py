"""Stands for your own code: what the workers beside it do with a job."""

from __future__ import annotations


def handle(job: str) -> None:
    """Do one job."""
    print("done:", job)


async def handle_async(job: str) -> None:
    """Do one job on the event loop."""
    print("done:", job)
