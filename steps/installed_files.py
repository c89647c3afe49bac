"""Files on a host held against what they shall be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steps.parse.units import InstalledFile
from wizard.payload.etcd_files import MemberFile


def as_wanted(there: InstalledFile | None, file: MemberFile) -> bool:
    """Whether a file is there with the content, mode and owner that it shall have.

    Args:
        there: as it lies on the host; None where it does not.
        file: as it shall be.
    """
    return there is not None and (there.digest, there.mode, there.owner) == (
        file.digest,
        file.mode,
        file.owner,
    )


def files_flaw(files: Iterable[MemberFile], there: Mapping[str, InstalledFile]) -> str:
    """The first file that is not as it shall be, in words; empty where all are.

    Args:
        files: as they shall be.
        there: what lies on the host, by path.
    """
    for file in files:
        if file.path not in there:
            return f"{file.path} is not there"
        if not as_wanted(there[file.path], file):
            return f"{file.path} is not as it shall be"
    return ""
