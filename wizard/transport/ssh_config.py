"""`~/.ssh/config` as far as it decides where we connect and whom we trust; the rest is named, never silently dropped.

fabric leaves out HostKeyAlias, UserKnownHostsFile, IdentitiesOnly and IdentityAgent, reads its own files besides, and
needs paramiko loaded before the address is known; so the file is read here. Tested against `ssh -G`.
"""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path

from wizard.core.dataclass import dataclass

MAX_INCLUDE_DEPTH = 16
"""As ssh itself (READCONF_MAX_DEPTH)."""

_LISTS = {"identityfile", "certificatefile"}
_SINGLE = {
    "hostname",
    "user",
    "port",
    "identitiesonly",
    "identityagent",
    "proxyjump",
    "proxycommand",
    "hostkeyalias",
    "userknownhostsfile",
    "globalknownhostsfile",
    "connecttimeout",
    "serveraliveinterval",
    "serveralivecountmax",
    "stricthostkeychecking",
}
_NAMED = {
    "addressfamily": "which address family is used",
    "bindaddress": "the source address",
    "bindinterface": "the source interface",
    "canonicaldomains": "which host is meant",
    "canonicalizehostname": "which host is meant",
    "casignaturealgorithms": "accepted algorithms",
    "ciphers": "accepted algorithms",
    "hostbasedauthentication": "how the user logs in",
    "hostkeyalgorithms": "accepted algorithms",
    "hostbasedacceptedalgorithms": "how the user logs in",
    "kexalgorithms": "accepted algorithms",
    "knownhostscommand": "which host keys are trusted",
    "macs": "accepted algorithms",
    "passwordauthentication": "how the user logs in",
    "kbdinteractiveauthentication": "how the user logs in",
    "pkcs11provider": "keys on a token",
    "preferredauthentications": "how the user logs in",
    "pubkeyacceptedalgorithms": "accepted algorithms",
    "pubkeyacceptedkeytypes": "accepted algorithms",
    "pubkeyauthentication": "how the user logs in",
    "requiredrsasize": "accepted algorithms",
    "revokedhostkeys": "which host keys are trusted",
    "securitykeyprovider": "keys on a token",
    "tag": "which Match block applies",
    "verifyhostkeydns": "which host keys are trusted",
}
"""Directives that change security or routing and that we do not obey, with what they decide."""


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What applies to one host."""

    hostname: str
    user: str
    port: int
    identity_files: tuple[Path, ...] = ()
    certificate_files: tuple[Path, ...] = ()
    identities_only: bool = False
    identity_agent: str = ""
    """Socket of the agent; empty = SSH_AUTH_SOCK, `none` = no agent."""
    proxy_jump: tuple[str, ...] = ()
    """`[user@]host[:port]`, the first hop first."""
    proxy_command: str = ""
    host_key_alias: str = ""
    known_hosts: tuple[Path, ...] = ()
    connect_timeout: float | None = None
    alive_interval: int = 0
    """Seconds of silence after which the link is probed; 0 = the wizard's own."""
    alive_count: int = 3
    """Intervals without an answer after which the link counts as dead."""
    strict: bool = False
    """`StrictHostKeyChecking yes`: unknown keys are refused without a question."""
    notes: tuple[str, ...] = ()
    """Directives that apply to this host and are not obeyed: sentences with file and line."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One line of a configuration file."""

    keyword: str
    value: str
    where: str


def resolve(address: str, files: Sequence[Path], *, user: str = "", port: int = 0) -> HostConfig:
    """What the configuration says of a host; the first value found wins, as in ssh.

    Args:
        address: as in the spec, which may be an alias of the configuration.
        files: in order; missing ones are skipped.
        user: overrides the configuration where not empty.
        port: overrides the configuration where not 0.
    """
    lookup = _Lookup(address, user)
    for path in files:
        lookup.read(path.expanduser(), 0)
    return lookup.result(user, port)


def default_files() -> tuple[Path, ...]:
    """The user's and the system's configuration."""
    return (Path("~/.ssh/config").expanduser(), Path("/etc/ssh/ssh_config"))


class _Lookup:
    def __init__(self, address: str, user: str) -> None:
        self._address = address
        self._user = user
        self._found: dict[str, str] = {"user": user} if user else {}
        self._lists: dict[str, list[str]] = {name: [] for name in _LISTS}
        self._notes: list[str] = []

    def read(self, path: Path, depth: int, *, active: bool = True) -> None:
        if depth > MAX_INCLUDE_DEPTH or not path.is_file():
            return
        outer = active
        for line in directives(path):
            if line.keyword == "host":
                active = outer and host_matches(self._address, _words(line.value))
            elif line.keyword == "match":
                active = outer and self._match(line)
            elif line.keyword == "include":
                self._include(path, line, depth, active=active)
            elif active:
                self._take(line)

    def _include(self, path: Path, line: Directive, depth: int, *, active: bool) -> None:
        folder = Path("/etc/ssh") if path.is_relative_to("/etc/ssh") else Path("~/.ssh").expanduser()
        for pattern in _words(line.value):
            full = folder / Path(pattern).expanduser()
            for name in sorted(glob(str(full))):  # noqa: PTH207 - the pattern is absolute
                self.read(Path(name), depth + 1, active=active)

    def _take(self, line: Directive) -> None:
        if line.keyword in _LISTS:
            self._lists[line.keyword].append(line.value)
        elif line.keyword in ("proxyjump", "proxycommand"):
            # Whichever of the two comes first wins over the other.
            if "proxyjump" not in self._found and "proxycommand" not in self._found:
                self._found[line.keyword] = line.value
        elif line.keyword in _SINGLE:
            self._found.setdefault(line.keyword, line.value)
        elif line.keyword in _NAMED and line.value.lower() not in ("", "any", "none"):
            self._notes.append(f"{line.where}: {line.keyword} is not supported here ({_NAMED[line.keyword]})")

    def _match(self, line: Directive) -> bool:
        words = iter(_words(line.value))
        holds = True
        for word in words:
            criterion = word.lower().lstrip("!")
            if criterion == "all":
                continue
            argument = next(words, "")
            answer = self._criterion(criterion, argument)
            if answer is None:
                self._notes.append(f"{line.where}: Match {criterion} is not supported, the block is skipped")
                return False
            holds = holds and (answer != word.startswith("!"))
        return holds

    def _criterion(self, criterion: str, argument: str) -> bool | None:
        values = {
            "host": self._found.get("hostname", self._address),
            "originalhost": self._address,
            "user": self._found.get("user") or getpass.getuser(),
            "localuser": getpass.getuser(),
        }
        value = values.get(criterion)
        return None if value is None else host_matches(value, argument.split(","))

    def result(self, user: str, port: int) -> HostConfig:
        found = self._found
        hostname = found.get("hostname", "%h").replace("%h", self._address).replace("%%", "%")
        login = user or found.get("user") or getpass.getuser()
        number = port or _number(found.get("port", "22"), 22)
        tokens = {
            "%h": hostname,
            "%n": self._address,
            "%p": str(number),
            "%r": login,
            "%u": getpass.getuser(),
        }
        tokens |= {"%d": str(Path.home()), "%%": "%"}
        jump = found.get("proxyjump", "")
        command = found.get("proxycommand", "")
        known = f"{found.get('userknownhostsfile', '~/.ssh/known_hosts ~/.ssh/known_hosts2')} "
        known += found.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")
        return HostConfig(
            hostname=hostname,
            user=login,
            port=number,
            identity_files=_paths(self._lists["identityfile"], tokens),
            certificate_files=_paths(self._lists["certificatefile"], tokens),
            identities_only=found.get("identitiesonly", "").lower() == "yes",
            identity_agent=_expand(found.get("identityagent", ""), tokens),
            proxy_jump=() if jump.lower() in ("", "none") else tuple(jump.split(",")),
            proxy_command="" if command.lower() in ("", "none") else _expand(command, tokens, home=False),
            host_key_alias=found.get("hostkeyalias", ""),
            known_hosts=_paths(_words(known), tokens),
            connect_timeout=_number(found.get("connecttimeout", ""), 0) or None,
            alive_interval=_number(found.get("serveraliveinterval", ""), 0),
            alive_count=max(1, _number(found.get("serveralivecountmax", ""), 3)),
            strict=found.get("stricthostkeychecking", "").lower() in ("yes", "true"),
            notes=tuple(self._notes),
        )


def directives(path: Path) -> Iterator[Directive]:
    """The lines of a configuration file that say something.

    Args:
        path: of the file; what is no UTF-8 in it is replaced.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        keyword, value = _split(line)
        yield Directive(keyword.lower(), value, f"{path}:{number}")


def _split(line: str) -> tuple[str, str]:
    for at, char in enumerate(line):
        if char in " \t=":
            value = line[at:].strip().removeprefix("=").strip()
            quoted = len(value) > 1 and value[0] == value[-1] == '"' and value.count('"') == 2  # noqa: PLR2004
            return line[:at], value[1:-1] if quoted else value
    return line, ""


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def host_matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name fits a pattern list: `*` and `?`, a leading `!` excludes whatever else fits.

    Args:
        name: host or user name.
        patterns: as in `Host` lines and known_hosts.
    """
    fits = False
    for pattern in patterns:
        bare = pattern.removeprefix("!").replace("[", "[[]").lower()
        if fnmatchcase(name.lower(), bare):
            if pattern.startswith("!"):
                return False
            fits = True
    return fits


def _expand(text: str, tokens: dict[str, str], *, home: bool = True) -> str:
    pieces = []
    at = 0
    while at < len(text):
        token = text[at : at + 2]
        pieces.append(tokens.get(token, text[at]))
        at += 2 if token in tokens else 1
    full = "".join(pieces)
    return str(Path(full).expanduser()) if home and full.startswith("~") else full


def _paths(values: Sequence[str], tokens: dict[str, str]) -> tuple[Path, ...]:
    return tuple(Path(_expand(value, tokens)) for value in values if value.lower() != "none")


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else otherwise
