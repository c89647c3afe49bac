"""What a script of the simulated homelab is: host, arguments and payload in, answer out."""

from __future__ import annotations

from collections.abc import Callable

from wizard.core.dataclass import dataclass
from wizard.core.host import Args
from wizard.practice.machine import Machine


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script printed and how it ended."""

    output: str
    exit_code: int = 0
    stderr: str = ""


Handler = Callable[[Machine, Args, bytes], Answer]
