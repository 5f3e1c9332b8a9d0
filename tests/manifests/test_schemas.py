from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import ValidationError, validate  # type: ignore[import-untyped]
from kubernetes_validate.utils import all_versions  # type: ignore[import-untyped]

MANIFESTS = Path(__file__).parents[2] / "manifests"
VERSIONS = (all_versions()[0], all_versions()[-1])
FOLDERS = sorted(
    str(path.parent.relative_to(MANIFESTS)) for path in MANIFESTS.rglob("kustomization.yaml")
)
FILES = sorted(
    str(path.relative_to(MANIFESTS))
    for path in MANIFESTS.rglob("*.yaml")
    if path.name != "kustomization.yaml"
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_rendered_fits_the_schemas(
    folder: str, version: str, rendered: Callable[[str], list[dict[str, Any]]]
) -> None:
    """`kubectl apply -k` sends nothing that the oldest or the newest Kubernetes does not know."""
    for document in rendered(folder):
        validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", FILES)
def test_each_file_fits_the_schemas(file: str, version: str) -> None:
    """Each file can be applied by itself, too."""
    for document in yaml.safe_load_all((MANIFESTS / file).read_text(encoding="utf-8")):
        validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_refuse_a_misspelt_field(
    version: str, rendered: Callable[[str], list[dict[str, Any]]]
) -> None:
    """A field of a probe that does not exist would be found."""
    pod = next(each for each in rendered("lab") if each["metadata"]["name"] == "wrong-port")
    container = pod["spec"]["containers"][0]
    probe = {**container["livenessProbe"], "failureTreshold": 3}
    wrong = {**pod, "spec": {"containers": [{**container, "livenessProbe": probe}]}}
    with pytest.raises(ValidationError, match="failureTreshold"):
        validate(wrong, version, strict=True)
