from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tcp_probe.manifest.pods import Resource


class Services:
    """The Services of a file, found by the labels that they select.

    Each is kept under one label of its selector, so that thousands of pods and Services are not
    compared one by one.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_label: dict[Any, list[tuple[dict[str, Any], Resource]]] = defaultdict(list)
        for resource in resources:
            spec = resource.field.value.get("spec") if resource.kind == "Service" else None
            selector = spec.get("selector") if isinstance(spec, dict) else None
            if isinstance(selector, dict) and selector:
                key, value = next(iter(selector.items()))
                found = self._by_label[resource.effective_namespace, key, str(value)]
                found.append((selector, resource))

    def selecting(self, namespace: str, labels: Mapping[str, Any]) -> list[Resource]:
        """Return the Services that send requests to pods with these labels."""
        return [
            service
            for key, value in labels.items()
            for selector, service in self._by_label.get((namespace, key, str(value)), ())
            if all(labels.get(name) == wanted for name, wanted in selector.items())
        ]
