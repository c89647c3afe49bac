"""lib/put on a simulated host: by content, resumable, verified, and never visible before it is whole."""

from __future__ import annotations

from dataclasses import replace
from posixpath import basename, dirname

from wizard.core.host import Args
from wizard.practice.answer import Answer
from wizard.practice.machine import FREE, File, Machine

FAILED, SHORT, WRONG = 90, 75, 76
"""Exit codes of lib/put."""


def put(machine: Machine, args: Args, payload: bytes) -> Answer:
    """Say what is there (`send=no`), or take what follows from `offset` on (`send=yes`)."""
    path, folder = args["path"], dirname(args["path"])
    part = f"{folder.rstrip('/')}/.{basename(path)}.{args['digest']}.part"
    if not machine.has_folder(folder):
        return Answer("", FAILED, f"no such directory: {folder}\n")
    if machine.has_folder(path):
        return _refused(machine, path, f"is a directory: {path}")
    if _same(machine.files.get(path), args):
        return Answer("same\n")
    if args["send"] == "no":
        return Answer(f"have {_size(machine, part)}\n")
    if args["offset"] == "0":
        machine.files.pop(part, None)
    if _size(machine, part) != int(args["offset"]):
        return _refused(machine, path, f"another transfer is under way: {part}")
    return _take(machine, args, part, payload)


def _take(machine: Machine, args: Args, part: str, payload: bytes) -> Answer:
    if payload and machine.is_full(part):
        machine.files[part] = machine.files.get(part, File(b""))
        return _refused(machine, part, "cat: write error: No space left on device\ncannot write")
    found = machine.files.get(part, File(b"", 0o600))
    found = machine.files[part] = replace(found, content=found.content + payload)
    if len(found.content) < int(args["size"]):
        return Answer(f"have {len(found.content)}\n", SHORT)
    if found.digest != args["digest"]:
        del machine.files[part]
        return Answer("wrong digest\n", WRONG)
    if not _known(machine, args["owner"]):
        said = f"chown: invalid user: '{args['owner']}'\ncannot give it to {args['owner']}"
        return _refused(machine, part, said)
    del machine.files[part]
    machine.files[args["path"]] = File(found.content, int(args["mode"], 8), args["owner"])
    return Answer("put\n")


def _same(there: File | None, args: Args) -> bool:
    if there is None or there.digest != args["digest"]:
        return False
    return there.mode == int(args["mode"], 8) and _numbers(there.owner) == _numbers(args["owner"])


def _numbers(owner: str) -> str:
    return owner.replace("root", "0")


def _known(machine: Machine, owner: str) -> bool:
    return all(name.isdigit() or name in machine.users for name in owner.split(":"))


def _size(machine: Machine, path: str) -> int:
    found = machine.files.get(path)
    return len(found.content) if found else 0


def _refused(machine: Machine, path: str, said: str) -> Answer:
    blocks, inodes = FREE
    free = 0 if machine.is_full(path) else blocks
    return Answer("", FAILED, f"{said}\nfree {free}\ninodes {inodes}\n")
