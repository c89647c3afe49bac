"""What can go wrong in practice, by name: `wizard practice --fault NAME`.

To add one: its name, text and place in `assets/faults.yaml`, a function here (or in a module that `MODULES` names) under
`@fault("name")`, and a row in `tests/practice/test_faults.py` that says what the person sees. The function is called
once, before the run, or while it goes on where it is switched on then, with a `Scene`. Whatever it does ends with its
run, or as it is switched off, and must leave no trace in the world that is kept, so it changes the world by
`scene.traces` (`set`, `put`, `drop`), links and scripts by `scene.faults`, and what shall happen later by `scene.at`.
What a real host keeps of it (an empty /run after a power cut) is done to the world itself and kept by `scene.keep()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module

from wizard.core.errors import UsageError
from wizard.core.faultnames import fault_texts
from wizard.practice.scene import NobodyThereError, Scene

Fault = Callable[[Scene], None]

MODULES = tuple(
    f"wizard.practice.faults_of_{kind}"
    for kind in ("hosts", "facts", "guests", "packages", "nodes", "backups", "others", "wire")
)
"""Where they are."""

_KNOWN: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Fault], Fault]:
    """Make a function the fault of a name.

    Args:
        name: as in `assets/faults.yaml`.
    """

    def known(function: Fault) -> Fault:
        _KNOWN[name] = function
        return function

    return known


def known_faults() -> dict[str, Fault]:
    """Every fault by name."""
    for module in MODULES:
        import_module(module)
    return dict(_KNOWN)


def check_names(names: Iterable[str]) -> None:
    """Refuse a fault that there is not.

    Raises:
        UsageError: with the command that lists them.
    """
    texts = fault_texts("practice")
    for name in names:
        if name not in texts:
            raise UsageError(
                f"There is no fault {name!r}.",
                where=f"--fault {name}",
                why=f"practice knows {len(texts)} faults, and this is none of them",
                do="wizard practice --list-faults",
            )


def apply_faults(scene: Scene, names: Iterable[str]) -> None:
    """Let things go wrong in a run.

    Args:
        scene: of the run.
        names: of the faults.

    Raises:
        UsageError: one of them is not known.
    """
    names = list(dict.fromkeys(names))
    check_names(names)
    known = known_faults()
    with scene.world.guard:
        for name in names:
            with suppress(NobodyThereError):
                known[name](scene.of(name))
