"""Why an image cannot be had: told apart by what the registry or the runtime said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcp_probe.why.json_fields import entries, text

if TYPE_CHECKING:
    from tcp_probe.why.case import Case
    from tcp_probe.why.verdict import Verdict

REASONS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
}
_ECR = re.compile(r"(?P<host>\d+\.dkr\.ecr[\w.-]*\.amazonaws\.com(?:\.cn)?)")
_NO_DETAIL = re.compile(r"Back-off pulling image|^Error: \w+$|^$")
_TOKEN = re.compile(
    r"authorization token has expired|no basic auth credentials|token .*expired", re.IGNORECASE
)
# The first that fits, in this order: what the message says, what that means, what to do.
_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        r"toomanyrequests|429 Too Many Requests|pull rate limit|rate exceeded",
        "the registry's rate limit is reached",
        "Pull with an account (imagePullSecrets), through a mirror, or by a pull-through cache.",
    ),
    (
        r"not present with pull policy of Never",
        "the image is not on the node, and its pull policy is Never",
        "Load the image {image} onto the node, or set imagePullPolicy to IfNotPresent.",
    ),
    (
        r"couldn't parse image|invalid reference format|InvalidImageName",
        "the image's name is not a valid one",
        "Mend the name {image}: lower case, no spaces, NAME:TAG.",
    ),
    (
        r"no match for platform|no matching manifest for",
        "the image is not built for the node's platform",
        "Build {image} for the node's platform too (docker buildx build --platform).",
    ),
    (
        r"x509|certificate|http: server gave HTTP response to HTTPS client",
        "the node does not trust the registry, or it speaks no HTTPS",
        "Give the node's container runtime the registry's CA, or allow it as an insecure one.",
    ),
    (
        r"no space left on device",
        "the node's disk is full",
        "Free the node's disk, or give it a larger one; kubelet removes unused images itself.",
    ),
    (
        r"does not exist or may require|insufficient_scope|name unknown|NAME_UNKNOWN|RepositoryNot",
        "the registry has no such repository, or does not show it to this pod",
        "Mend the name in {image}; if it is right, {secret}.",
    ),
    (
        r"(?i)unauthorized|authenticat|authoriz|denied|forbidden|\b40[13]\b|credentials",
        "the registry refuses this pod's credentials, or wants some",
        "{Secret}. The account needs the right to pull {image}.",
    ),
    (
        r"manifest unknown|manifest .*not found|MANIFEST_UNKNOWN|: not found\b|tag .*not found",
        "the registry has no such tag",
        "Push the tag of {image}, or mend it in the pod.",
    ),
    (
        r"no such host|lookup .*(timeout|server misbehaving|Temporary failure)|lookup \S+ on ",
        "the registry's name is not found by the node's DNS",
        "Mend the host in {image}; if it is right, mend the DNS of the node.",
    ),
    (
        r"(?i)signature (?:validation|verification)",
        "its signature is not the one that the node's policy wants",
        "Sign {image} with a key that the policy knows, or mend the policy on the node.",
    ),
    (
        r"short-name .* did not resolve",
        "its name says no registry, and the node has none that it looks in for such a name",
        "Write the registry in front of {image}: docker.io/library/NAME:TAG, for example.",
    ),
    (
        r"timeout|deadline exceeded|connection re(?:fused|set)|no route to host|\b50[0234]\b|EOF",
        "the node cannot reach the registry",
        "Mend the way from the node to the registry: firewall, proxy, or the registry itself.",
    ),
)
_LONGEST = 160
_MISSING_SECRET = re.compile(r"Unable to retrieve some image pull secrets \((?P<names>[^)]*)\)")


def image(case: Case) -> Verdict | None:
    """Tell of an image: name, tag, rights, secret, token, rate limit, network."""
    reason, message = case.container.waiting
    if reason not in REASONS:
        return None
    name = text(case.container.spec, "image") or text(case.container.status, "image")
    said, evidence = _said(case, reason, message)
    missing = _missing_secrets(case)
    evidence += [f"event: FailedToRetrieveImagePullSecret: {missing}"] if missing else []
    means, fix = _means(case, name, said, missing)
    certain = bool(means) and (bool(said) or reason == "InvalidImageName")
    return case.verdict(
        "image",
        "certain",
        f"the image {name} cannot be had: {means or 'nothing read here says why'}",
        evidence,
        fix if certain else "Its events tell more (kubectl describe pod), for an hour.",
    )


def _said(case: Case, reason: str, message: str) -> tuple[str, list[str]]:
    """Return what tells why, and the evidence: in a back-off only the events may tell it."""
    evidence = [f"pod: {case.container.name} waits: {reason}: {message or 'nothing is said'}"]
    said = "" if _NO_DETAIL.match(message) else message
    # Newer kubelets add the error to the message of the back-off.
    _, error, rest = message.partition("ErrImagePull: ")
    said = rest if error else said
    told = (
        case.events.reasons("Failed", "InspectFailed", "ErrImageNeverPull") if case.events else []
    )
    told = [event for event in told if not _NO_DETAIL.match(event.message)]
    if told:
        event = told[-1]
        same = said and said in event.message
        evidence.append(f"{event}: {'the same' if same else event.message.strip()}")
        said = said or event.message
    return said or (reason if reason == "InvalidImageName" else ""), evidence


def _missing_secrets(case: Case) -> str:
    events = case.pod_events
    told = events.reasons("FailedToRetrieveImagePullSecret") if events else []
    found = _MISSING_SECRET.search(told[-1].message) if told else None
    return found["names"] if found else ""


def _means(case: Case, name: str, said: str, missing: str) -> tuple[str, str]:
    secrets = [text(each, "name") for each in entries(case.pod.spec, "imagePullSecrets")]
    namespace = case.pod.namespace
    listed = ", ".join(secrets)
    if missing:
        account = f"create the Secret {missing} in namespace {namespace} (it is not there)"
    elif secrets:
        account = (
            f"check the Secret {listed} in namespace {namespace}: its registry, user, password"
        )
    else:
        account = "name a Secret of type kubernetes.io/dockerconfigjson as imagePullSecrets"
    known = next((kind for kind in _KINDS if re.search(kind[0], said)), None)
    if known is None:
        return _end_of(said), "Mend what the message names."
    _, means, fix = known
    refused = "{secret}" in fix or "{Secret}" in fix
    if refused and missing:
        means = f"its pull secret {missing} is not in namespace {namespace}"
        fix = f"{account[0].upper()}{account[1:]}. A Secret serves its own namespace only."
    elif refused and (ecr := _ECR.search(name)) and _may_have_expired(said, secrets):
        means = "the registry token has expired, or there is none: ECR's last for 12 hours"
        if not _TOKEN.search(said):
            means = "the registry refuses its token, which has expired perhaps: after 12 hours"
        fix = (
            f"Renew the token for {ecr['host']}: better, let nodes pull by their IAM role (a "
            "credential provider) than by a Secret that has to be renewed every 12 h."
        )
    return means, fix.format(image=name, secret=account, Secret=account[0].upper() + account[1:])


def _end_of(said: str) -> str:
    """Return the end of a chain of errors, where the one at its root stands."""
    end = " ".join(said.split())
    return f"...{end[-_LONGEST:]}" if len(end) > _LONGEST else end


def _may_have_expired(said: str, secrets: list[str]) -> bool:
    unknown = re.search("name unknown|NotFound", said)
    return bool(_TOKEN.search(said)) or (bool(secrets) and not unknown)
