"""The losses of the day on three nodes: all that `make test-lab-full` looks at come round here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.lab.conftest import Lab
from tests.lab.kubernetes.losses import SAMPLE, Family, Loss, family, sample
from tests.lab.kubernetes.nodes import Kubernetes
from tests.lab.story.world import tell

pytestmark = pytest.mark.lab

TODAYS = sample(datetime.now(UTC).date(), os.environ.get(SAMPLE, ""))


@pytest.fixture(scope="module")
def users(small_cluster: Kubernetes, lab: Lab) -> Iterator[Family]:
    tell(f"these losses again: {SAMPLE}={','.join(loss.name for loss in TODAYS)}")
    with family(small_cluster, lab) as made:
        yield made


@pytest.mark.parametrize("loss", TODAYS, ids=lambda loss: loss.name)
def test_the_api_comes_back_by_itself_and_has_lost_nothing(users: Family, loss: Loss) -> None:
    users.outlive(loss)
