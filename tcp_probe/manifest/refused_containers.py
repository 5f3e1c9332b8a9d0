"""What the API server, or kubelet before the start, refuses of a container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .fields import Field, shown
from .formats import amount, is_port_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from .pods import Choice

# Where it is, what is refused, and the fix.
Refusal = Iterator[tuple[Field, str, str]]
HANDLERS = ("startupProbe", "livenessProbe", "readinessProbe")
HOOKS = ("postStart", "preStop")


def image(choice: Choice) -> Refusal:
    """Find containers without an image."""
    given = choice.container.get("image")
    if not (given and given.text()):
        yield choice.container, "it has no image", "image: REGISTRY/NAME:TAG"
    elif given.text() != given.text().strip():
        yield given, "the name of the image has spaces around it", "remove them"


def init_container(choice: Choice) -> Refusal:
    """Find probes and hooks that only a sidecar may have."""
    if choice.role == "init container":
        for name in (*HANDLERS, "lifecycle"):
            field = choice.container.get(name)
            if field:
                reason = f"of init containers only one with restartPolicy Always has a {name}"
                yield field, reason, "remove it, or restartPolicy: Always to make it a sidecar"


def restart_rules(choice: Choice) -> Refusal:
    """Find rules of when to restart without the policy that they are exceptions from."""
    rules = choice.container.get("restartPolicyRules")
    if rules and rules.value and not choice.container.get("restartPolicy"):
        yield (
            rules,
            "restartPolicyRules need a restartPolicy of the container",
            "restartPolicy: Never",
        )


def handlers(choice: Choice) -> Refusal:
    """Find probes and hooks that do none or two of the things which they can do."""
    for name in HANDLERS:
        field = choice.container.get(name)
        if field:
            yield from _one_handler(field, ("exec", "httpGet", "tcpSocket", "grpc"))
    for name in HOOKS:
        field = choice.container.find("lifecycle", name)
        if field:
            yield from _one_handler(field, ("exec", "httpGet", "tcpSocket", "sleep"))


def hook_sleep(choice: Choice) -> Refusal:
    """Find hooks that sleep longer than the pod may take to end."""
    grace = choice.pod.need("spec").get("terminationGracePeriodSeconds")
    most = grace.number(0, 2**63) if grace else 30
    for name in HOOKS:
        field = choice.container.find("lifecycle", name, "sleep", "seconds")
        if field and not 0 <= field.number(-(2**63), 2**63) <= most:
            reason = f"a hook sleeps 0 s to terminationGracePeriodSeconds, {most} s"
            yield field, reason, "a shorter sleep, or a longer grace of the pod"


def stop_signal(choice: Choice) -> Refusal:
    """Find signals of a pod that does not say which system it is for."""
    field = choice.container.find("lifecycle", "stopSignal")
    if field and not choice.pod.need("spec").find("os", "name"):
        yield field, "a stopSignal needs spec.os.name", "os: {name: linux} in the pod's spec"


def ports(choice: Choice) -> Refusal:
    """Find names of ports that are taken already, or cannot be."""
    taken: set[str] = set()
    for port in choice.container.items_of("ports"):
        name = port.get("name")
        if name and name.text():
            if not is_port_name(name.text()):
                yield name, _port_name(name), "a name such as liveness"
            if name.text() in taken:
                yield name, "another port of this container has that name", "a name of its own"
            taken.add(name.text())


def environment(choice: Choice) -> Refusal:
    """Find variables that come from two places, or from none."""
    sources = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
    for variable in choice.container.items_of("env"):
        name = variable.need("name")
        if not name.text() or "=" in name.text():
            yield name, f"it cannot be the name of a variable: {shown(name.value)}", "a name"
        source, value = variable.get("valueFrom"), variable.get("value")
        if source:
            given = [each for each in sources if source.get(each)]
            if len(given) != 1:
                yield source, f"it has one of {', '.join(sources)}, got {len(given)}", "one of them"
            elif value and value.value:
                yield variable, "it has a value and a valueFrom", "remove one of them"
    for source in choice.container.items_of("envFrom"):
        given = [each for each in ("configMapRef", "secretRef") if source.get(each)]
        if len(given) != 1:
            yield source, f"it has one of configMapRef, secretRef, got {len(given)}", "one of them"


def volume_mounts(choice: Choice) -> Refusal:
    """Find mounts of volumes that the pod does not have, and two in one place."""
    known = {each.need("name").text() for each in choice.pod.need("spec").items_of("volumes")}
    claims = choice.resource.field.find("spec", "volumeClaimTemplates")
    for claim in claims.items() if claims else []:
        name = claim.find("metadata", "name")
        known |= {name.text()} if name else set()
    taken: set[str] = set()
    for mount in choice.container.items_of("volumeMounts"):
        name, path = mount.need("name"), mount.need("mountPath")
        if name.text() not in known:
            found = ", ".join(sorted(known)) or "none"
            reason = f"the pod has no volume {shown(name.value)}; it has {found}"
            yield name, reason, "the name of one of its volumes, or add the volume"
        if path.text() in taken:
            yield path, "another volume is mounted there, too", "a path of its own"
        taken.add(path.text())


def resources(choice: Choice) -> Refusal:
    """Find requests that are more than the limit, and amounts below nothing."""
    limits = choice.container.find("resources", "limits")
    requests = choice.container.find("resources", "requests")
    for amounts in filter(None, (limits, requests)):
        for name in amounts.mapping():
            field = amounts.need(name)
            value = amount(str(field.value))
            if value is not None and value < 0:
                yield field, f"expected 0 or more, got {shown(field.value)}", "a positive amount"
            limit = limits.get(name) if limits and amounts is requests else None
            most = amount(str(limit.value)) if limit else None
            if value is not None and most is not None and value > most and limit:
                reason = f"the request for {name} is more than its limit, {limit.value}"
                yield field, reason, "a lower request, or a higher limit"


def security(choice: Choice) -> Refusal:
    """Find rights that exclude each other."""
    context = choice.container.get("securityContext")
    pods = choice.pod.need("spec").get("securityContext")
    privileged = _value(context, None, "privileged") is True
    if context and privileged and _value(context, None, "allowPrivilegeEscalation") is False:
        field = context.need("allowPrivilegeEscalation")
        yield field, "a privileged container may not have it false", "remove privileged"
    no_root, user = _value(context, pods, "runAsNonRoot"), _value(context, pods, "runAsUser")
    if no_root is True and user == 0:
        own = context and context.get("runAsUser")
        reason = "with runAsNonRoot kubelet does not start it as user 0"
        yield own or pods or choice.container, reason, "another user, such as 10001"


def probe_ports(choice: Choice) -> Refusal:
    """Find names of ports, in probes and hooks, that no port can have."""
    probes = [choice.container.get(name) for name in HANDLERS]
    probes += [choice.container.find("lifecycle", name) for name in HOOKS]
    for probe in filter(None, probes):
        for handler in ("tcpSocket", "httpGet"):
            port = probe.find(handler, "port")
            if port and isinstance(port.value, str) and not is_port_name(port.value):
                digits = port.value.isdecimal()
                fix = f"port: {int(port.value)}, without quotes" if digits else "a port's name"
                yield port, _port_name(port), fix
            elif port and isinstance(port.value, int) and not 1 <= port.value <= 65535:  # noqa: PLR2004 - ports
                yield port, f"expected a port from 1 to 65535, got {port.value}", "a port's number"


def _one_handler(field: Field, names: tuple[str, ...]) -> Refusal:
    given = [name for name in names if field.get(name)]
    if len(given) != 1:
        reason = f"it has one of {', '.join(names)}, got {' and '.join(given) or 'none'}"
        yield field, reason, "one of them"


def _port_name(field: Field) -> str:
    allowed = "at most 15 small letters, digits and '-', a letter among them"
    return f"the name of a port has {allowed}, got {shown(field.value)}"


def _value(context: Field | None, of_pod: Field | None, name: str) -> object:
    """Return what counts of a container's own and its pod's security context."""
    for each in filter(None, (context, of_pod)):
        field = each.get(name)
        if field:
            return field.value
    return None


CONTAINER_CHECKS: tuple[Callable[[Choice], Refusal], ...] = (
    image,
    init_container,
    restart_rules,
    handlers,
    hook_sleep,
    stop_signal,
    ports,
    environment,
    volume_mounts,
    resources,
    security,
    probe_ports,
)
