"""Answers kept on disk: the draft beside the spec, and the spec itself as soon as the answers are sound."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.draft import Checked, Draft
from wizard.core.filefaults import write_failed
from wizard.core.files import read_private, write_private

_HEAD = re.compile(r"# place=(?P<place>[a-z-]+) base=(?P<base>[0-9a-f]{64}|-)(?P<anew> anew)?\n")
_ABOUT = "# Answers that are not finished yet, kept by the wizard. The finished ones are in {name}.\n"


@dataclass(frozen=True, slots=True)
class Found:
    """What was there when the wizard began."""

    draft: Draft
    begun: bool
    """Somebody has answered something before."""
    note: str = ""
    """What the person should know about it; empty = nothing."""


@dataclass(frozen=True, slots=True)
class DraftStore:
    """The answers of one spec file.

    Args:
        spec: the file, whether it is there or not.
    """

    spec: Path

    @property
    def draft(self) -> Path:
        """Where unfinished answers are kept."""
        return self.spec.with_name(f"{self.spec.name}.draft")

    def load(self) -> Found:
        """The answers so far. A spec that was changed since the draft was kept is believed instead of it.

        Raises:
            SpecError: the spec is there and cannot be made sense of.
            StateError: a file is there and cannot be read.
        """
        kept = read_private(self.draft)
        head = _HEAD.match(kept.decode("utf-8", "replace")) if kept else None
        here = self._spec_bytes()
        if kept and head and head["base"] == _digest(here):
            return Found(self._kept(kept, head), begun=True)
        if here is None:
            if kept and head:
                note = f"{self.spec.name} is gone; the answers kept are used."
                return Found(self._kept(kept, head), begun=True, note=note)
            return Found(Draft.new(), begun=False)
        place = head["place"] if head else "hosts"
        note = f"{self.spec.name} was changed since; what it says now is used." if head else ""
        draft = Draft.read(here, source=str(self.spec), place=place)
        whole = draft.completed()
        if whole != draft:
            more = f"{self.spec.name} is a part of a spec: what must be there besides is as recommended."
            note = f"{note} {more}".strip()
        return Found(replace(whole, anew=bool(head and head["anew"])), begun=True, note=note)

    def save(self, draft: Draft, checked: Checked) -> str:
        """Keep the answers; where they are sound, write the spec as well.

        Args:
            draft: the answers and where the person is.
            checked: of these answers.

        Returns:
            What the person should be told; empty = nothing.

        Raises:
            StateError: it cannot be written.
        """
        note, text = "", draft.text()
        if checked.sound:
            note = self._write_spec(text)
        anew = " anew" if draft.anew else ""
        head = f"# place={draft.place} base={_digest(self._spec_bytes())}{anew}\n"
        about = _ABOUT.format(name=self.spec.name)
        write_private(self.draft, f"{head}{about}{text}".encode())
        return note

    def set_aside(self) -> str:
        """Give the spec another name, so that a new one can be begun.

        Returns:
            The name it has now; empty where there was none.

        Raises:
            StateError: it cannot be written.
        """
        old = self._spec_bytes()
        if old is None:
            return ""
        kept = self._free_backup()
        _replace(kept, old)
        self.spec.unlink()
        return kept.name

    def forget(self) -> None:
        """Throw the unfinished answers away; the spec stays."""
        self.draft.unlink(missing_ok=True)

    def _kept(self, text: bytes, head: re.Match[str]) -> Draft:
        draft = Draft.read(text, source=str(self.draft), place=head["place"])
        return replace(draft, anew=head["anew"] is not None)

    def _spec_bytes(self) -> bytes | None:
        if not os.path.lexists(self.spec):
            return None
        from wizard.core.spec.loading import read_spec_file

        return read_spec_file(self.spec)

    def _write_spec(self, text: str) -> str:
        old = self._spec_bytes()
        if old == text.encode():
            return ""
        note = self._keep_comments(old, text) if old is not None else ""
        _replace(self.spec, text.encode())
        return note

    def _keep_comments(self, old: bytes, text: str) -> str:
        """A file that would lose comments of a person's own is kept beside, under a name of its own."""
        from wizard.core.spec.writing import comments_of, comments_of_ours

        if comments_of(old.decode("utf-8", "replace")) <= comments_of(text) | comments_of_ours():
            return ""
        kept = self._free_backup()
        _replace(kept, old)
        return f"{self.spec.name} had comments of yours: it is kept as {kept.name}."

    def _free_backup(self) -> Path:
        first = self.spec.with_name(f"{self.spec.name}.bak")
        more = (first.with_name(f"{first.name}.{number}") for number in range(2, 1000))
        return next((path for path in (first, *more) if not path.exists()), first)


def _digest(content: bytes | None) -> str:
    return sha256(content).hexdigest() if content is not None else "-"


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that the old or the new one is there whole; its mode stays, a link goes on pointing at it."""
    target = path.resolve()
    temp = target.with_name(f".{target.name}.new")
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else None
        with temp.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temp.chmod(mode)
        temp.replace(target)
    except OSError as error:
        raise write_failed(path, error) from error
