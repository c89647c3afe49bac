"""The `dataclass` decorator of this program: the standard one, made in a quarter of the time.

The standard decorator (Python 3.11) compiles up to six functions for each class when its module is loaded, 0.5 ms a
class; a command loads 170 of them and makes objects of some. Here an `__init__` is compiled when the first object is
made, and what is the same for all classes (comparing, hashing, printing, refusing changes) is compiled once. Fields,
slots, keyword-only fields, `replace`, `asdict` and matching are the standard library's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")
Method = Callable[..., Any]


def _dataclass(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """As `dataclasses.dataclass`.

    Args:
        frozen: its objects cannot be changed, and so can be hashed.
        slots: its objects have the fields and nothing else.
        kw_only: its fields are given by name.
    """

    def make(cls: type[T]) -> type[T]:
        if cls.__doc__ is None:
            # Or the standard library writes one from the signature, for which it compiles it.
            cls.__doc__ = cls.__name__
        own = set(vars(cls))
        made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
        for name, method in _methods(made, frozen=frozen).items():
            if name not in own:
                setattr(made, name, method)
        return made

    return make


def _methods(cls: type[Any], *, frozen: bool) -> dict[str, Method | None]:
    known = fields(cls)
    compared = _getter([one.name for one in known if one.compare])
    methods: dict[str, Method | None] = {
        "__init__": _first_init(cls, frozen=frozen),
        "__repr__": _repr_of([one.name for one in known if one.repr]),
        "__eq__": _eq_of(compared),
        "__hash__": None,
    }
    if frozen:
        names = frozenset(one.name for one in known)
        hashed = [one.name for one in known if (one.compare if one.hash is None else one.hash)]
        methods |= {
            "__hash__": _hash_of(_getter(hashed)),
            "__setattr__": _refusing(cls, names, "assign to"),
            "__delattr__": _refusing(cls, names, "delete"),
            "__setstate__": _set_state,
        }
    return methods


def _getter(names: list[str]) -> Callable[[object], object]:
    """What two objects are compared by: always a tuple, which holds equal what is the same object."""
    if not names:
        return lambda _one: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda one: (get(one),)


def _eq_of(compared: Callable[[object], object]) -> Method:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash_of(hashed: Callable[[object], object]) -> Method:
    def __hash__(self: object) -> int:  # noqa: N807
        return hash(hashed(self))

    return __hash__


def _repr_of(names: list[str]) -> Method:
    @recursive_repr()
    def __repr__(self: object) -> str:  # noqa: N807
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({shown})"

    return __repr__


def _refusing(cls: type[Any], names: frozenset[str], verb: str) -> Method:
    plain: Method = object.__setattr__ if verb == "assign to" else object.__delattr__

    def refuse(self: object, name: str, *value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot {verb} field {name!r}")
        plain(self, name, *value)

    return refuse


def _set_state(
    self: object, state: tuple[dict[str, object] | None, dict[str, object]] | dict[str, object]
) -> None:
    """For `copy` and `pickle`, which would assign. The state is that of `object.__getstate__`."""
    parts = state if isinstance(state, tuple) else (state,)
    for part in parts:
        for name, value in (part or {}).items():
            object.__setattr__(self, name, value)


def _first_init(cls: type[Any], *, frozen: bool) -> Method:
    """The `__init__` of a class nobody has made an object of: puts the real one in its place."""

    def __init__(self: object, *args: object, **named: object) -> None:  # noqa: N807
        init = _compiled_init(cls, frozen=frozen)
        cls.__init__ = init
        init(self, *args, **named)

    return __init__


def _compiled_init(cls: type[Any], *, frozen: bool) -> Method:
    known = fields(cls)
    given = [_parameter(one) for one in known if one.init and not one.kw_only]
    named = [_parameter(one) for one in known if one.init and one.kw_only]
    head = ", ".join(["self", *given, *(["*", *named] if named else [])])
    assign = "_set(self, {0!r}, {1})" if frozen else "self.{0} = {1}"
    kept = [one for one in known if one.init or one.default_factory is not MISSING]
    body = [assign.format(one.name, _value(one)) for one in kept]
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    names: dict[str, object] = {"_set": object.__setattr__, "_made": MISSING}
    names |= {f"_value_{one.name}": one.default for one in known}
    names |= {f"_make_{one.name}": one.default_factory for one in known}
    source = f"def __init__({head}):\n " + "\n ".join(body or ["pass"])
    # From the names of fields alone, as the standard library does it.
    exec(source, names)  # noqa: S102
    init: Method = names["__init__"]  # type: ignore[assignment]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


def _parameter(one: Field[Any]) -> str:
    if one.default_factory is not MISSING:
        return f"{one.name}=_made"
    return one.name if one.default is MISSING else f"{one.name}=_value_{one.name}"


def _value(one: Field[Any]) -> str:
    if one.default_factory is MISSING:
        return one.name
    made = f"_make_{one.name}()"
    return f"{made} if {one.name} is _made else {one.name}" if one.init else made


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - so that the types are those of the standard one
else:
    dataclass = _dataclass
