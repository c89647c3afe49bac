"""`wizard practice`: any command on the simulated homelab, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.compose import home_named
from wizard.core.errors import ExitCode, UsageError
from wizard.front.arguments import PRACTICE_SPEC, build_parser
from wizard.front.streams import tell

if TYPE_CHECKING:
    from argparse import Namespace as Options

REAL_ONLY = ("lab", "artifacts", "practice")
"""Commands that have nothing to do with simulated hosts."""


def run_practice(
    options: Options, asked: Sequence[str], commands: Mapping[str, Callable[[Options], int]]
) -> int:
    """Run a command on the simulated homelab; without one, set it up.

    Args:
        options: of `wizard practice`.
        asked: the words after `--`.
        commands: what each command runs.

    Returns:
        Its exit code.

    Raises:
        WizardError: as the command itself, or the folder cannot be used.
    """
    if options.list_faults:
        return _list_faults()
    from wizard.practice.fault_list import check_names
    from wizard.practice.opening import Wish

    check_names(options.fault)
    inner = _inner(list(asked) or _set_up(options))
    options.dir = _folder(options.dir, getattr(inner, "dir", None))
    spec = _prepared(options)
    inner.dir, inner.practice = spec.parent, Wish(options.seed, options.speed, tuple(options.fault))
    if getattr(inner, "spec", None) is PRACTICE_SPEC:
        inner.spec = spec
    inner.plain, inner.events = inner.plain or options.plain, inner.events or options.events
    code = commands[inner.command](inner)
    if not asked:
        tell(_told_after(code, options.dir))
    return code


def _list_faults() -> int:
    from wizard.core.faultnames import fault_texts

    texts = fault_texts("practice")
    print("\n".join(f"{name:<{max(map(len, texts))}}  {text}" for name, text in texts.items()))  # noqa: T201
    return int(ExitCode.OK)


def _inner(words: list[str]) -> Options:
    """The command to be run, taken apart.

    Raises:
        UsageError: there is no such command, or it is nothing for simulated hosts.
    """
    if words[0] in REAL_ONLY:
        raise UsageError(
            f"wizard {words[0]} has nothing to do with the practice homelab.",
            where="wizard practice -- " + words[0],
            why="What stands after -- is run on simulated hosts.",
            do=("wizard practice -- doctor", f"wizard {words[0]} --help"),
        )
    inner = build_parser(words[0], spec=PRACTICE_SPEC).parse_args(words)
    if getattr(inner, "command", None) is None:
        raise UsageError(
            "No command stands after --.",
            where="wizard practice --",
            why=f"{words[0]} is none.",
            do="wizard practice -- doctor",
        )
    return inner


def _set_up(options: Options) -> list[str]:
    """The command that sets practice up: on its own where nobody is there to be asked."""
    from wizard.front.terminal import at_terminal

    alone = options.auto or not at_terminal()
    return ["apply", "--plain", *(["--yes"] if alone else [])]


def _folder(outer: Path | None, inner: Path | None) -> Path | None:
    """`--dir` may stand on either side of `--`.

    Raises:
        UsageError: two folders are named.
    """
    if outer and inner and outer.absolute() != inner.absolute():
        raise UsageError(
            "Two folders are named.",
            where=f"--dir {outer} ... -- ... --dir {inner}",
            why="The practice homelab lies in one folder, with everything the wizard keeps.",
            do="wizard practice --dir DIR -- doctor",
        )
    return outer or inner


def _prepared(options: Options) -> Path:
    """The spec in the folder of practice; folder and spec are made where they are not there."""
    from wizard.core.files import write_private
    from wizard.core.home import prepare_home
    from wizard.core.resources import asset_text

    home = home_named(options, "practice")
    prepare_home(home)
    spec = home.folder / "cluster.yaml"
    if not spec.exists():
        write_private(spec, asset_text("practice/cluster.yaml").encode())
    return spec


def _told_after(code: int, folder: Path | None) -> str:
    again = f"wizard practice{f' --dir {folder}' if folder else ''}"
    if code == ExitCode.OK:
        return f"The practice homelab stands. Look at it: {again} -- doctor"
    return f"It can be resumed: {again}"
