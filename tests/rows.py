"""The one helper through which every row of the fault list is asserted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wizard.core.check import Finding, Status
from wizard.core.errors import ExitCode, WizardError, render

LABELS = ("where", "why", "do", "again")
"""The parts of a told error after its first line, which says what."""

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
"""Characters that could move a terminal's cursor."""


@dataclass(slots=True)
class Asserted:
    """How often something was asserted here: a row's test that never came by proves nothing."""

    count: int = 0


ASSERTED = Asserted()


@dataclass(frozen=True, slots=True)
class CliRun:
    """What a run of the command line left."""

    exit_code: int
    stdout: str
    stderr: str


def assert_explained(
    told: WizardError | CliRun,
    *,
    exit_code: ExitCode,
    says: Sequence[str] = (),
    do: str = "",
    unchanged: Callable[[], object] | None = None,
    before: object = None,
) -> dict[str, str]:
    """Assert that a fault was told as every fault must be.

    Args:
        told: the error itself, or the command that ended in it.
        exit_code: its class.
        says: words that must stand somewhere in the text.
        do: words of the exact command or action that must stand under `do`.
        unchanged: gives the world (a digest of the state folder, a host's files ...) after the fault.
        before: the same as it was before.

    Returns:
        The five parts by name, for closer looks.
    """
    ASSERTED.count += 1
    text = render(told) if isinstance(told, WizardError) else told.stderr
    assert told.exit_code == exit_code, text
    assert "Traceback" not in text
    assert not CONTROL.search(text), "control characters reach the terminal"
    parts = five_parts(text)
    for name, part in parts.items():
        assert part.strip(), f"nothing said about {name!r}:\n{text}"
    for word in says:
        assert word in text, f"{word!r} is not said:\n{text}"
    assert do in parts["do"], f"{do!r} is not under `do`:\n{text}"
    if unchanged is not None:
        assert unchanged() == before, "something was changed"
    return parts


def assert_found(
    run: CliRun, check: str, *, says: Sequence[str] = (), fix: str, status: str
) -> dict[str, str]:
    """Assert that a fault which stops nothing is told by doctor: what was seen, the likely cause, the exact remedy.

    Args:
        run: `doctor --json`.
        check: the id of the finding.
        says: words that must stand somewhere in it.
        fix: words of the command that mends it.
        status: `warn` or `fail`, which is also what doctor's exit code says.

    Returns:
        The finding.
    """
    ASSERTED.count += 1
    assert "Traceback" not in run.stderr
    findings = json.loads(run.stdout)["findings"]
    found: dict[str, str] = next(
        item for item in findings if item["id"] == check and item["status"] == status
    )
    for part in ("title", "detail", "evidence", "cause", "fix"):
        assert found[part].strip(), f"nothing said about {part!r}: {found}"
    for word in says:
        assert word in json.dumps(found), f"{word!r} is not said: {found}"
    assert fix in found["fix"]
    assert run.exit_code == (ExitCode.FAILED if status == "fail" else ExitCode.OK)
    return found


def assert_warned(finding: Finding, *, says: Sequence[str] = (), fix: str) -> None:
    """Assert that a run tells a fault which it goes on with, as whole as one that stops it.

    Args:
        finding: of a check before the changes of a step.
        says: words that must stand somewhere in it.
        fix: words of the command that mends it.
    """
    ASSERTED.count += 1
    assert finding.status is Status.WARN, finding
    for part in ("title", "detail", "evidence", "cause", "fix"):
        assert getattr(finding, part).strip(), f"nothing said about {part!r}: {finding}"
    for word in says:
        assert word in f"{finding.detail} {finding.evidence} {finding.cause}", (
            f"{word!r} is not said: {finding}"
        )
    assert fix in finding.fix


def assert_tolerated(run: CliRun, *, shows: Sequence[str] = (), exit_code: ExitCode = ExitCode.OK) -> None:
    """Assert that a fault was no obstacle: the command did its work and printed text, nothing but text.

    Args:
        run: the command.
        shows: words that must stand in what it printed.
        exit_code: that it would have had without the fault.
    """
    ASSERTED.count += 1
    said = run.stdout + run.stderr
    assert run.exit_code == exit_code, said
    assert "Traceback" not in said
    assert "defect" not in said
    assert not CONTROL.search(said), "control characters reach the terminal"
    for word in shows:
        assert word in said, f"{word!r} is not shown:\n{said}"


def five_parts(text: str) -> dict[str, str]:
    """What, where, why, do and again of a told error.

    Args:
        text: stderr of a command, or a rendered error; the last told error in it counts.
    """
    lines = text.rstrip().splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("  where  ")]
    assert starts, f"this is not a told error:\n{text}"
    start = starts[-1]
    parts = {"what": lines[start - 2]}
    label = ""
    for line in lines[start:]:
        word = line[2:8].strip()
        label = word if word in LABELS else label
        parts[label] = f"{parts.get(label, '')}\n{line[9:]}".strip()
    assert set(parts) == {"what", *LABELS}, text
    return parts


def folder_digest(folder: Path) -> str:
    """A digest over every file below a folder: names, contents and modes; a missing folder has one too."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)} {path.lstat().st_mode:o}\n".encode())
        if path.is_file() and not path.is_symlink():
            digest.update(path.read_bytes())
    return digest.hexdigest()
