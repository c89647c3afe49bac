"""The data the verdicts rest on: nothing without a source, no number that is not in its sentence, no date missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest

from wizard.core.decide.storage_data import Candidate, Requirement, storage_data

SOURCE = re.compile(r"domain\.md \d|[\w.-]+/[\w.-]+|docs|README|the wizard's own")
"""A section of domain.md, a repository, a page."""
ISO = re.compile(r"\d{4}-\d{2}(-\d{2})?")
PROJECTS = ("nfs", "cephfs", "glusterfs", "longhorn")
ASKED = ("foundation", "last release", "driver", "deprecated")


def requirements() -> Iterator[Requirement]:
    for candidate in storage_data().candidates:
        yield from candidate.requirements


@pytest.mark.parametrize("need", [*requirements()], ids=lambda need: need.id)
def test_a_requirement_has_a_source_and_a_whole_sentence(need: Requirement) -> None:
    assert SOURCE.search(need.source), need.source
    assert "{" not in need.sentence
    assert need.level in ("must", "should", "info")


def test_requirements_have_names_of_their_own() -> None:
    names = [need.id for need in requirements()]
    assert len(names) == len(set(names))


def test_the_order_is_the_one_the_candidates_were_left_in() -> None:
    kinds = [candidate.kind for candidate in storage_data().candidates]
    assert kinds == ["nfs", "cephfs", "glusterfs", "longhorn", "none", "existing"]


@pytest.mark.parametrize("candidate", storage_data().candidates, ids=lambda one: one.kind)
def test_every_verdict_has_its_sentence(candidate: Candidate) -> None:
    assert set(candidate.verdicts) == {"fits", "conditions", "rejected"}
    assert any(need.level == "must" for need in candidate.requirements) or candidate.kind == "existing"


@pytest.mark.parametrize("kind", PROJECTS)
def test_the_health_of_every_project_is_dated_and_sourced(kind: str) -> None:
    (health,) = [one.health for one in storage_data().candidates if one.kind == kind]
    assert {row.what for row in health.rows} == set(ASKED)
    for row in health.rows:
        assert ISO.fullmatch(row.date), row
        assert row.date <= storage_data().as_of, row
        assert row.source.strip(" ,;") == row.source
        assert SOURCE.search(row.source) or "." in row.source, row
    assert date.fromisoformat(storage_data().as_of).year >= 2026


def test_the_advised_memory_of_ceph_is_the_sum_of_its_daemons() -> None:
    (need,) = [one for one in requirements() if one.id == "ceph.memory"]
    numbers = need.numbers
    assert numbers["advised"] == sum(numbers[name] for name in ("osd", "mon", "mgr", "mds"))
    assert (
        numbers["least"]
        == numbers["osd_least"] + numbers["mon_least"] + numbers["mgr_least"] + numbers["mds"]
    )


def test_the_story_names_five_measures_at_least_each_a_check_to_come() -> None:
    story = storage_data().story
    checks = [measure.check for measure in story.measures]
    assert len(set(checks)) == len(checks) >= 5
    for measure in story.measures:
        assert re.fullmatch(r"[a-z]+\.[a-z-]+", measure.check)
        assert SOURCE.search(measure.source)
    told = " ".join(measure.text + measure.how for measure in story.measures)
    for words in (
        "two physical devices",
        "guests of their own",
        "one copy is rebuilt",
        "limited",
        "etcd comes first",
    ):
        assert words in told
    assert "k3s#7612" in story.source
