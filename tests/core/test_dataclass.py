"""Our `dataclass` against the standard one: the same classes by both must not be told apart."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from wizard.core.dataclass import dataclass

Decorator = Callable[..., Any]


def family(decorate: Decorator) -> dict[str, type[Any]]:
    """The same classes, made by one of the two decorators."""

    @decorate(frozen=True, slots=True)
    class Point:
        """A frozen one with a default, a made default, and fields that do not count."""

        x: int
        y: int = 2
        names: list[str] = dataclasses.field(default_factory=list, hash=False)
        note: str = dataclasses.field(default="", compare=False, repr=False)
        sum: dict[str, int] = dataclasses.field(init=False, default_factory=dict, hash=False)

    @decorate(frozen=True, slots=True)
    class Named(Point):
        name: str = ""

    @decorate(frozen=True, slots=True, kw_only=True)
    class Keyed:
        x: int
        y: int = 0

    @decorate(frozen=True, slots=True)
    class Alone:
        x: float

    @decorate(frozen=True, slots=True)
    class Nothing:
        pass

    @decorate(slots=True)
    class Loose:
        x: int
        rest: list[object] = dataclasses.field(default_factory=list)

        def __post_init__(self) -> None:
            self.x += 1

    @decorate(frozen=True, slots=True)
    class Own:
        x: int

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    return {cls.__name__: cls for cls in (Point, Named, Keyed, Alone, Nothing, Loose, Own)}


OURS, STANDARD = family(dataclass), family(dataclasses.dataclass)

MAKE: dict[str, tuple[tuple[object, ...], dict[str, object]]] = {
    "Point": ((1,), {"names": ["a"], "note": "n"}),
    "Named": ((1, 2), {"name": "b"}),
    "Keyed": ((), {"x": 1}),
    "Alone": ((1.5,), {}),
    "Nothing": ((), {}),
    "Loose": ((1,), {}),
    "Own": ((1,), {}),
}


def both(name: str) -> tuple[Any, Any]:
    args, named = MAKE[name]
    return OURS[name](*args, **named), STANDARD[name](*args, **named)


def outcome(act: Callable[[], object]) -> object:
    """What comes of it, or the error, without addresses in memory."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - whatever the other one raises
        return type(error).__name__, str(error).replace(".<locals>", "")


@pytest.mark.parametrize("name", MAKE)
def test_looks(name: str) -> None:
    ours, standard = both(name)
    assert repr(ours) == repr(standard)
    assert dataclasses.asdict(ours) == dataclasses.asdict(standard)
    assert [one.name for one in dataclasses.fields(ours)] == [
        one.name for one in dataclasses.fields(standard)
    ]
    assert type(ours).__match_args__ == type(standard).__match_args__
    assert type(ours).__slots__ == type(standard).__slots__
    assert not hasattr(ours, "__dict__")


@pytest.mark.parametrize("name", MAKE)
def test_equality_and_hash(name: str) -> None:
    (ours, standard), (again, standard_again) = both(name), both(name)
    assert (ours == again) == (standard == standard_again)
    assert (ours == 1) == (standard == 1)
    assert ours != standard or name == "Own"
    hashed = outcome(lambda: hash(ours) == hash(again))
    assert hashed == outcome(lambda: hash(standard) == hash(standard_again))


def test_what_is_not_compared_does_not_count() -> None:
    for classes in (OURS, STANDARD):
        point = classes["Point"]
        assert point(1, note="a") == point(1, note="b")
        assert hash(point(1, note="a")) == hash(point(1, note="b", names=["x"]))
        assert point(1) != point(1, 3)
        assert point(1) != classes["Named"](1)
        nan = float("nan")
        assert classes["Alone"](nan) == classes["Alone"](nan)


@pytest.mark.parametrize("name", [name for name in MAKE if name not in ("Nothing", "Loose")])
def test_refuses_changes(name: str) -> None:
    ours, standard = both(name)
    assert outcome(lambda: setattr(ours, "x", 5)) == outcome(lambda: setattr(standard, "x", 5))
    assert outcome(lambda: delattr(ours, "x")) == outcome(lambda: delattr(standard, "x"))
    assert repr(ours) == repr(standard)


def test_refuses_other_names() -> None:
    # The standard one of Python 3.11 fails here with a TypeError about super().
    for name in ("Point", "Nothing"):
        ours, _ = both(name)
        with pytest.raises(dataclasses.FrozenInstanceError, match="strange"):
            ours.strange = 5


def test_what_is_not_frozen_can_be_changed() -> None:
    ours, standard = both("Loose")
    for one in (ours, standard):
        one.x = 7
    assert repr(ours) == repr(standard)
    assert type(outcome(lambda: setattr(ours, "strange", 1))) is tuple


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("wrong", [(), (1, 2, 3, 4, 5, 6, 7)])
def test_wrong_arguments(name: str, wrong: tuple[int, ...]) -> None:
    def made(cls: type[Any], *args: object, **named: object) -> object:
        return outcome(lambda: repr(cls(*args, **named)))

    ours, standard = family(dataclass)[name], family(dataclasses.dataclass)[name]
    assert made(ours, *wrong) == made(standard, *wrong)
    assert made(ours, 1, nobody=1) == made(standard, 1, nobody=1)


@pytest.mark.parametrize("name", MAKE)
def test_copies(name: str) -> None:
    ours, _ = both(name)
    assert copy.copy(ours) == ours
    assert copy.deepcopy(ours) == ours
    if name in ("Keyed", "Alone", "Point"):
        assert dataclasses.replace(ours, x=9).x == 9


@dataclass(frozen=True, slots=True)
class Kept:
    """At module level, or pickle does not find it."""

    x: int
    y: str = "y"


def test_pickle() -> None:
    assert pickle.loads(pickle.dumps(Kept(1))) == Kept(1)


def test_made_defaults_are_not_shared() -> None:
    loose = OURS["Loose"]
    one, two = loose(1), loose(1)
    one.rest.append(one)
    assert two.rest == []
    assert one.x == 2
    assert repr(one).endswith("Loose(x=2, rest=[...])")


def test_matching() -> None:
    match Kept(3):
        case Kept(x, y):
            assert (x, y) == (3, "y")
