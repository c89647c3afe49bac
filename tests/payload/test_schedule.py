"""A cron schedule in systemd's words, and how long it pauses."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from wizard.payload.etcd_backup import timer_text
from wizard.payload.schedule import calendar, longest_pause


@pytest.mark.parametrize(
    ("schedule", "expressions"),
    [
        ("@daily", ("daily",)),
        ("30 3 * * *", ("*-*-* 3:30:00",)),
        ("*/15 * * * *", ("*-*-* *:0/15:00",)),
        ("0 8-18/2 * * 1-5", ("Mon,Tue,Wed,Thu,Fri *-*-* 8..18/2:0:00",)),
        ("5 0 1,15 * *", ("*-*-1,15 0:5:00",)),
        ("5 0 1 */3 0", ("*-1/3-1 0:5:00", "Sun *-1/3-* 0:5:00")),
        ("0 4 * * 7", ("Sun *-*-* 4:0:00",)),
        ("0 4 * * */2", ("Sun,Tue,Thu,Sat *-*-* 4:0:00",)),
    ],
)
def test_a_cron_schedule_in_systemd_s_words(schedule: str, expressions: tuple[str, ...]) -> None:
    assert calendar(schedule) == expressions
    assert timer_text(schedule).count("OnCalendar=") == len(expressions)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd on this machine")
@pytest.mark.parametrize(
    "schedule", ["@hourly", "30 3 * * *", "*/15 * * * *", "0 8-18/2 * * 1-5", "5 0 1 */3 0"]
)
def test_systemd_understands_it(schedule: str) -> None:
    for each in calendar(schedule):
        done = subprocess.run(
            ["systemd-analyze", "calendar", each], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("@hourly", 1),
        ("@daily", 24),
        ("@monthly", 31 * 24),
        ("30 3 * * *", 24),
        ("*/15 * * * *", 0.25),
        ("0 8-18/2 * * *", 14),
        ("0 8-18/2 * * 1-5", 14 + 48),
        ("0 4 * * 7", 7 * 24),
        ("0 4 1,15 * *", 17 * 24),
        ("0 4 1 * 1", 7 * 24),
        ("0 22/1 * * *", 23),
        ("0 0 29 2 *", 1461 * 24),
    ],
)
def test_how_long_it_pauses_at_most(schedule: str, hours: float) -> None:
    assert longest_pause(schedule) == hours * 3600
