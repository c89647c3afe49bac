"""A value that masks itself wherever it could be seen by accident."""

from __future__ import annotations

from typing import NoReturn

MASK = "********"
"""What is shown in place of a secret."""


class Secret:
    """Wraps a password, passphrase, token or key; only `reveal()` gives it back.

    It is a wrapper and not a `str` subclass: a subclass is unmasked by any string operation (style.md 1.7).
    Copying keeps it wrapped; pickling is refused, since a pickle is a file nobody guards.

    Args:
        value: the secret itself.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The secret, for the one call that needs it; never keep it in a local variable of a longer function."""
        return self.__value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, _spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__value

    def __hash__(self) -> int:
        return hash(Secret)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret has no state to save")
