"""Each loss on six nodes: for how long a client at the API's address got no write through, and that none was lost."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.conftest import Lab
from tests.lab.kubernetes.losses import LOSSES, Family, Loss, family
from tests.lab.kubernetes.nodes import Kubernetes

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not os.environ.get("WIZARD_LAB_SIX_NODES"), reason="WIZARD_LAB_SIX_NODES=1 asks for it"
    ),
]


@pytest.fixture(scope="module")
def users(six_nodes: Kubernetes, lab: Lab) -> Iterator[Family]:
    with family(six_nodes, lab) as made:
        yield made


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_api_comes_back_by_itself_and_has_lost_nothing(users: Family, loss: Loss) -> None:
    users.outlive(loss)
