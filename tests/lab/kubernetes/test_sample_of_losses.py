"""Which losses a day's sample has: each comes round, and any can be asked for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.lab.kubernetes.losses import A_DAY, LOSSES, sample

NAMES = {loss.name for loss in LOSSES}
BEGIN = date(2026, 11, 28)


@pytest.mark.parametrize("apart", [1, 7], ids=["by the day", "by the week"])
def test_every_loss_comes_round(apart: int) -> None:
    days = [BEGIN + timedelta(days=apart * number) for number in range(len(LOSSES) // A_DAY)]
    assert [len(sample(day, "")) for day in days] == [A_DAY] * len(days)
    assert {loss.name for day in days for loss in sample(day, "")} == NAMES


def test_a_sample_is_asked_for_by_name() -> None:
    assert [loss.name for loss in sample(BEGIN, "pi, tower-a")] == ["pi", "tower-a"]
    assert sample(BEGIN, "") == sample(BEGIN, " ,")


def test_a_name_that_no_loss_has_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no such loss: pie; known: .*majority"):
        sample(BEGIN, "pi,pie")
