"""One answer of a real host to one script, as a file: `tests/recordings/SCRIPT-WITH-DASHES/CASE.HOST.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wizard.core.host import script_digest
from wizard.core.resources import asset_names

FOLDER = Path(__file__).parent
"""Where the committed recordings lie."""

RECORD = "make record"
"""Records every script anew on the lab."""

MECHANISM = ("lib/bootstrap", "lib/prelude")
"""What carries every script; a change there may change every answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a host answered to one program."""

    scripts: tuple[str, ...]
    """Which scripts the program was made of."""
    args: Mapping[str, str]
    exit_code: int
    stdout: str
    stderr: str = ""
    payload: int = 0
    """Bytes that were sent along."""


@dataclass(frozen=True, slots=True)
class Recording:
    """An answer with all that is needed to ask again."""

    script: str
    case: str
    host: str
    kind: str
    """Platform of the host: `libvirt`, `unraid` or `pi`."""
    said: Said
    digests: Mapping[str, str] = field(default_factory=dict)
    """Digest of every script that took part, as it was when this was recorded."""

    @property
    def key(self) -> str:
        """The file's path in the folder, without suffix."""
        return f"{self.script.replace('/', '-')}/{self.case}.{self.host}"

    def stale(self) -> list[str]:
        """The scripts that were changed since."""
        return [name for name, digest in self.digests.items() if current_digest(name) != digest]


def current_digest(script: str) -> str:
    """The script's digest now; empty where there is no such script any more."""
    try:
        return script_digest(script)
    except FileNotFoundError:
        return ""


def all_scripts() -> list[str]:
    """Every remote script there is."""
    return [
        f"{folder}/{name}"
        for folder in ("do", "lib", "read")
        for name in asset_names(f"remote/{folder}", ".sh")
    ]


def recorded(script: str, case: str, host: str, kind: str, said: Said) -> Recording:
    """A recording made just now."""
    parts = dict.fromkeys((*MECHANISM, *said.scripts))
    return Recording(script, case, host, kind, said, {name: script_digest(name) for name in parts})


def save(recording: Recording, folder: Path) -> Path:
    """Write a recording.

    Args:
        recording: what was recorded.
        folder: of all recordings.
    """
    said = recording.said
    data = {
        "script": recording.script,
        "case": recording.case,
        "host": recording.host,
        "kind": recording.kind,
        "digests": dict(recording.digests),
        "args": dict(said.args),
        "payload": said.payload,
        "exit_code": said.exit_code,
        "stdout": said.stdout.split("\n"),
        "stderr": said.stderr.split("\n"),
    }
    path = folder / f"{recording.key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    return path


def load(path: Path) -> Recording:
    """Read a recording."""
    data = json.loads(path.read_text())
    digests: dict[str, str] = data["digests"]
    said = Said(
        tuple(name for name in digests if name not in MECHANISM),
        data["args"],
        data["exit_code"],
        "\n".join(data["stdout"]),
        "\n".join(data["stderr"]),
        data["payload"],
    )
    return Recording(data["script"], data["case"], data["host"], data["kind"], said, digests)


def load_all(folder: Path = FOLDER) -> dict[str, Recording]:
    """Every recording by its key."""
    found = (load(path) for path in sorted(folder.glob("*/*.json")))
    return {recording.key: recording for recording in found}


def gaps(recordings: Sequence[Recording], scripts: Sequence[str]) -> Iterator[str]:
    """Scripts without a recording, and recordings of a script as it no longer is.

    Args:
        recordings: all there are.
        scripts: all there are.

    Yields:
        A sentence each, naming the command that mends it.
    """
    known = {name for recording in recordings for name in recording.digests}
    for script in scripts:
        if script not in known:
            yield f"{script} was never recorded: {RECORD}"
    stale = {name for recording in recordings for name in recording.stale()}
    for script in sorted(stale):
        what = "was changed since it was recorded" if current_digest(script) else "is recorded and gone"
        yield f"{script} {what}: {RECORD}"
