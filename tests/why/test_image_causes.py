"""Why an image cannot be had, where the registry says it in words of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1"
SECRETS = {"imagePullSecrets": [{"name": "ecr"}]}


@pytest.mark.parametrize(
    ("image", "message", "means"),
    [
        (ECR, "unexpected status from HEAD request: 403 Forbidden", "refuses its token"),
        (ECR, "denied: Your authorization token has expired.", "token has expired, or there is"),
        ("a", "failed open: unexpected status code 500", "cannot reach the registry"),
        ("a", "image signature verification failed: policy x", "its signature is not the one"),
        ("a", 'rpc error: short-name "a" did not resolve to an alias', "its name says no registry"),
        ("a", "a new kind of trouble", "cannot be had: a new kind of trouble"),
        ("a", f"{'far ' * 99}away", "cannot be had: ...far far"),
    ],
)
def test_what_the_registry_says_is_told(
    image: str, message: str, means: str, pod: Pod, verdicts: Verdicts
) -> None:
    """As it is, where it is not known; no longer than a line or two."""
    waiting = {"waiting": {"reason": "ErrImagePull", "message": message}}
    (verdict,) = verdicts(pod(waiting, container={"image": image}, spec=SECRETS))
    assert (verdict.cause, verdict.certainty) == ("image", "certain")
    assert means in verdict.summary
    assert len(verdict.summary) < 260
