from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from anyio import to_thread

from tcp_probe._bad_input import BadInput
from tcp_probe.kubelet import messages
from tcp_probe.kubelet.steps import Outcome

if TYPE_CHECKING:
    import grpc

    from tcp_probe.kubelet.handlers import Grpc

# As Go writes the codes of gRPC, where that is not the name in Python in camel case.
CODES = {"CANCELLED": "Canceled", "OK": "OK"}


def need_grpc() -> None:
    """Raise `BadInput` where the packages are missing that a grpc probe needs."""
    if not (find_spec("grpc") and find_spec("grpc_health")):
        needed = "pip install 'anyio-tcp-probe[tools,grpc]'"
        raise BadInput(f"a grpc probe needs grpcio and grpcio-health-checking: {needed}")


async def grpc_check(handler: Grpc, limit: float) -> Outcome:
    """Ask the health service of a gRPC server as kubelet does: SERVING is success."""
    return await to_thread.run_sync(_check, handler, limit, abandon_on_cancel=True)


def _check(handler: Grpc, limit: float) -> Outcome:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    deadline = time.monotonic() + limit
    with grpc.insecure_channel(handler.address, [("grpc.enable_http_proxy", 0)]) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=limit)
        except grpc.FutureTimeoutError:
            return _failure(messages.grpc_connect_timed_out(handler.address, limit))
        request = health_pb2.HealthCheckRequest(service=handler.service)
        try:
            response = health_pb2_grpc.HealthStub(channel).Check(  # type: ignore[attr-defined]
                request, timeout=max(deadline - time.monotonic(), 0)
            )
        except grpc.RpcError as error:
            # grpcio's own errors are calls, which know their code; its types do not say so.
            return _failure(_told(cast("grpc.Call", error), limit))
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    return (
        Outcome(success=True) if status == "SERVING" else _failure(messages.grpc_unhealthy(status))
    )


def _told(error: grpc.Call, limit: float) -> str:
    import grpc

    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return messages.grpc_call_timed_out(limit)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return messages.grpc_not_implemented(details)
    name = CODES.get(code.name) or code.name.title().replace("_", "")
    return messages.grpc_failed(name, details)


def _failure(message: str) -> Outcome:
    return Outcome(success=False, message=message)
