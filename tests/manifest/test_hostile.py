from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.manifest import documents, yaml_values
from tcp_probe.manifest.documents import ManifestError, read
from tcp_probe.manifest.environment import MOST_EXPANDED
from tcp_probe.manifest.workload import load

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_a_bomb_of_aliases_is_refused_before_it_grows(manifest: Manifest) -> None:
    """Nine lines that stand for 387 million values take no more memory than they have text."""
    file = manifest(BOMB)
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError, match=r":6: expected aliases to stand for at most"):
            read(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5e6


def test_aliases_are_understood(manifest: Manifest) -> None:
    """One stands for the same value again, its fields on the lines on which they are written."""
    [document] = read(manifest("a: &x\n  b: 1\nc: *x\nd: [*x]\n"))
    assert document.value == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}]}
    assert [document.line(path) for path in [("c",), ("c", "b"), ("d", 0), ("d", 0, "b")]] == [
        3,
        2,
        4,
        2,
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: *x", "expected an anchor &x before the alias"),
        ("a: &x 1\n---\nb: *x", "expected an anchor &x"),
        ("a: &x {b: *x}", "expected no alias .x inside"),
        ("[" * 200 + "]" * 200, "expected at most 100 levels of nesting"),
        ("- " * 200 + "a", "expected at most 100 levels of nesting"),
        ("a: {<<: 3}", "expected a mapping to merge"),
        ("a: {<<: [3]}", "expected a mapping to merge"),
        ("~: x", "expected text as the name of a field, got nothing"),
        ("? {a: b}\n: c", "expected text as the name of a field, got a mapping"),
        ("a: !!set {b}", "expected no tag, got 'tag:yaml.org,2002:set'"),
        ("a: [", "expected YAML or JSON"),
        ('"\\', "expected YAML or JSON"),
    ],
)
def test_what_no_manifest_can_be_is_told(text: str, problem: str, manifest: Manifest) -> None:
    """With what was expected instead, and soon."""
    with pytest.raises(ManifestError, match=problem):
        read(manifest(text))


def test_depth_beyond_any_stack_is_told(manifest: Manifest) -> None:
    """A million brackets end no sooner than a hundred."""
    with pytest.raises(ManifestError, match="nesting"):
        read(manifest("[" * 1_000_000))


def test_a_file_of_any_size_is_refused_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: Manifest
) -> None:
    """Without reading all of it: it may have no end."""
    with pytest.raises(ManifestError, match="expected at most 64 MiB, got more"):
        read("/dev/zero")
    monkeypatch.setattr(documents, "MOST_BYTES", 8)
    assert read(manifest("a: bcdef"))
    with pytest.raises(ManifestError, match="expected at most"):
        read(manifest("a: bcdefg"))
    monkeypatch.undo()
    monkeypatch.setattr(yaml_values, "MOST_VALUES", 5)
    assert read(manifest("[a, b, c, d]"))
    with pytest.raises(ManifestError, match="expected at most 5 values in one file"):
        read(manifest("[a, b, c, d, e]"))


def test_a_name_that_no_file_can_have_is_told() -> None:
    """Also one with a null byte."""
    with pytest.raises(ManifestError, match="expected a readable file"):
        read("worker\0.yaml")


def test_variables_that_stand_for_one_another_stay_short(manifest: Manifest, pod: Pod) -> None:
    """Ten of them, each ten times the one before, are no text of ten billion characters."""
    env = [{"name": "V0", "value": "x" * 10}]
    env += [{"name": f"V{n}", "value": f"$(V{n - 1})" * 10} for n in range(1, 10)]
    with pytest.raises(ManifestError, match=r"env\[5\].value: expected at most 131,072 char"):
        load(manifest(pod(env=env)))
    word = {"name": "WORD", "value": "x" * MOST_EXPANDED}
    assert load(manifest(pod(env=[word], command=["echo", "$(WORD)"]))).command[1]
    with pytest.raises(ManifestError, match=r"command\[1\]: expected at most"):
        load(manifest(pod(env=[word], command=["echo", "$(WORD)$(WORD)"])))


def test_what_was_given_is_shown_in_short(manifest: Manifest, pod: Pod) -> None:
    """A message has one line, however long the value is."""
    with pytest.raises(ManifestError) as caught:
        load(manifest(pod(tty=1, livenessProbe={"tcpSocket": "x" * 10_000})))
    assert len(caught.value.problem) < 120
    with pytest.raises(ManifestError, match="whole number"):
        load(manifest(pod(livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": "9" * 5000})))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("0o14", 12),
        ("014", 12),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1.0", 1),
        ("1e3", 1000),
        ("1.5", 1.5),
        ("1.5.2", "1.5.2"),
        ("12ab", "12ab"),
        ("+", "+"),
        ("y", True),
        ("off", False),
        ("~", None),
        ("'y'", "y"),
        ('"1"', "1"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("!!int 1", 1),
        ("!!float 1", 1),
        ("!!bool on", True),
        ("!!null ~", None),
        ("9" * 50, "9" * 50),
    ],
)
def test_a_scalar_means_what_it_means_to_kubectl(text: str, value: Any, manifest: Manifest) -> None:
    """A time of day is text, `y` is true, and a zero in front makes it octal."""
    [document] = read(manifest(f"a: {text}"))
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_a_name_is_text_whatever_it_looks_like(manifest: Manifest) -> None:
    """In JSON every name of a field is text."""
    [document] = read(manifest("&n 1: a\ny: b\n1.5: c\nd: {*n : e}"))
    assert document.value == {"1": "a", "true": "b", "1.5": "c", "d": {"1": "e"}}


def test_a_merge_fills_in_what_is_not_given(manifest: Manifest) -> None:
    """Of several the first one counts, and each field keeps its line."""
    text = "a: &a {t: 1, u: 1}\nb: &b {u: 2, v: 2}\nc:\n  <<: [*a, *b]\n  v: 3\n"
    document = read(manifest(text))[0]
    assert document.value["c"] == {"t": 1, "u": 1, "v": 3}
    assert [document.line(("c", name)) for name in "tuv"] == [1, 1, 5]


@pytest.mark.parametrize(
    "text",
    [
        "{{- if .Values.enabled }}\nkind: Pod\n{{- end }}\n",
        "kind: Pod\nspec:\n  replicas: {{ .Values.replicas }}\n",
        "kind: Pod\nspec:\n{{ toYaml .Values.spec | indent 2 }}\n",
    ],
)
def test_a_template_that_was_not_rendered_is_told(text: str, manifest: Manifest) -> None:
    """With the line of the first expression, and how to render it."""
    with pytest.raises(ManifestError, match=r"got a template with .*: render it first") as caught:
        read(manifest(text))
    assert "{{" in text.splitlines()[(caught.value.line or 0) - 1]


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="measures CPython's memory")
def test_thousands_of_documents_take_little_memory(manifest: Manifest, pod: Pod) -> None:
    """Some kilobytes for each."""
    file = manifest(*[pod(livenessProbe={"tcpSocket": {"port": 1}})] * 500)
    tracemalloc.start()
    try:
        assert len(read(file)) == 500
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500 * 10_000
