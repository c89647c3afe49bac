"""Files of a member as they go to `do/etcd-configure`, all in one payload, and how they are told from those there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret


@dataclass(frozen=True, slots=True)
class MemberFile:
    """One file as it shall be on the host: lines of text, the last one ended."""

    path: str
    content: Secret
    """Wrapped whether it is a key or not: all of them travel together."""
    mode: str = "644"
    """Octal."""
    owner: str = "root:root"

    @property
    def digest(self) -> str:
        """sha256 of the content, hex."""
        return hashlib.sha256(self.content.reveal().encode()).hexdigest()


def bundle(files: Sequence[MemberFile]) -> Secret:
    """The payload: every file behind a head, its lines behind bars, and a last line that tells that all came.

    Args:
        files: each ends with a newline.

    Raises:
        ValueError: a file does not end with a newline, and would arrive with one more.
    """
    lines: list[str] = []
    for file in files:
        text = file.content.reveal()
        if not text.endswith("\n"):
            raise ValueError(f"{file.path} does not end with a newline")
        lines.append(f"== {file.path} {file.mode} {file.owner}")
        lines.extend(f"|{line}" for line in text.split("\n")[:-1])
    return Secret("\n".join([*lines, "== end"]) + "\n")
