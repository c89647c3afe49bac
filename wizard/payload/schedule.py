"""A cron schedule of the spec in systemd's words, and how long it pauses at most."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

_WORDS = {"@hourly": "hourly", "@daily": "daily", "@weekly": "weekly", "@monthly": "monthly"}
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
"""Of cron, where Sunday is 0, and 7 as well."""

_PAUSES = {"@hourly": 3600, "@daily": 86_400, "@weekly": 7 * 86_400, "@monthly": 31 * 86_400}
_FIRST, _LOOKED_AT = date(2024, 1, 1), 9 * 366
"""Days that are looked at: a 29th of February comes twice in them."""


def calendar(schedule: str) -> tuple[str, ...]:
    """The expressions of systemd.time(7) that mean the same as a cron schedule.

    Cron runs on a day that fits either the day of the month or the weekday where both are given; systemd wants both.
    Such a schedule becomes two expressions.

    Args:
        schedule: five fields of numbers, lists, ranges and steps, or `@daily` and its like, as the spec checked it.
    """
    if schedule in _WORDS:
        return (_WORDS[schedule],)
    minute, hour, day, month, weekday = schedule.split()
    time = f"{_field(hour)}:{_field(minute)}:00"
    of_month = f"*-{_field(month, 1)}-{_field(day, 1)} {time}"
    of_week = f"{_weekdays(weekday)} *-{_field(month, 1)}-* {time}"
    if weekday == "*":
        return (of_month,)
    return (of_week,) if day == "*" else (of_month, of_week)


def _field(field: str, first: int = 0) -> str:
    return ",".join(_item(item, first) for item in field.split(","))


def _item(item: str, first: int) -> str:
    """`*/15` of cron begins with the first there is, and systemd wants that said; of `10-40/5` it knows the end too."""
    span, _, step = item.partition("/")
    if span == "*":
        return f"{first}/{step}" if step else "*"
    ends = "..".join(span.split("-"))
    return f"{ends}/{step}" if step else ends


def _weekdays(field: str) -> str:
    return ",".join(_DAYS[number] for number in sorted({number % 7 for number in _numbers(field, 0, 7)}))


def longest_pause(schedule: str) -> int:
    """The longest time between two of its moments, in seconds.

    Args:
        schedule: as `calendar` takes it.
    """
    if schedule in _PAUSES:
        return _PAUSES[schedule]
    minute, hour, day, month, weekday = schedule.split()
    times = sorted(60 * h + m for h in _numbers(hour, 0, 23) for m in _numbers(minute, 0, 59))
    fitting = [at for at in range(_LOOKED_AT) if _fits(_FIRST + timedelta(at), day, month, weekday)]
    in_a_day = (later - sooner for sooner, later in pairwise(times))
    over_night = (1440 * (later - sooner) - times[-1] + times[0] for sooner, later in pairwise(fitting))
    return 60 * max((*in_a_day, *over_night), default=1440 * _LOOKED_AT)


def _fits(at: date, day: str, month: str, weekday: str) -> bool:
    of_month = at.day in _numbers(day, 1, 31)
    of_week = at.isoweekday() % 7 in {number % 7 for number in _numbers(weekday, 0, 7)}
    either = "*" not in (day, weekday)
    fits = of_month or of_week if either else of_month and of_week
    return fits and at.month in _numbers(month, 1, 12)


@lru_cache(maxsize=64)
def _numbers(field: str, first: int, last: int) -> frozenset[int]:
    """Those that a field of cron names."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        low, _, high = span.partition("-")
        begin = first if low == "*" else int(low)
        end = int(high) if high else last if low == "*" or step else begin
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)
