"""Whether the machine at the other end is the one that was confirmed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from pathlib import Path

from wizard.core.dataclass import dataclass
from wizard.core.errors import HostKeyChangedError, HostKeyUnknownError
from wizard.core.events import Note, Sink
from wizard.core.prompt import HostKeyQuestion, Prompter
from wizard.core.text import printable
from wizard.transport.hostkeys import (
    Known,
    Standing,
    Verdict,
    entry_name,
    fingerprint,
    judge,
    lookup,
    remember,
)
from wizard.transport.ssh_config import HostConfig


@dataclass(slots=True)
class Trust:
    """Judges offered host keys; one for all hosts of a run."""

    own: Path
    """The wizard's own known_hosts, the only one that is written."""
    pinned: Mapping[str, str]
    """Fingerprint by host name, from `--host-key`: decides over anything that is known."""
    prompter: Prompter
    asking: Callable[[], AbstractContextManager[None]]
    """Held while a person is asked anything."""
    events: Sink
    made: Callable[[str], str | None] = lambda _host: None
    """Fingerprint of the key we gave to a machine that we made; "" = ours, its key is lost; None = not made by us."""
    _seen: dict[bytes, list[str]] = field(default_factory=dict)

    def known(self, config: HostConfig) -> list[Known]:
        """Every line about a host, our own file first.

        Args:
            config: of the host.
        """
        return lookup(self.name(config), (self.own, *config.known_hosts))

    @staticmethod
    def name(config: HostConfig) -> str:
        """How the host is written in known_hosts."""
        return config.host_key_alias or entry_name(config.hostname, config.port)

    def check(self, host: str, config: HostConfig, key_type: str, blob: bytes) -> None:
        """Return where the key is trusted, after asking if need be; nothing was sent to the host before.

        Args:
            host: name in the spec.
            config: of the host.
            key_type: of the offered key.
            blob: the offered key.

        Raises:
            HostKeyUnknownError: nobody confirmed it.
            HostKeyChangedError: another one was confirmed, or this one was revoked.
        """
        given = self.made(host)
        if given is not None:
            self._check_made(host, config, blob, given)
            return
        verdict = judge(blob, self.known(config))
        if host in self.pinned:
            self._check_pin(host, config, key_type, blob, verdict)
        elif verdict.standing is Standing.UNKNOWN:
            self._ask(host, config, key_type, blob)
        elif verdict.standing is not Standing.TRUSTED:
            raise _changed(host, config, blob, verdict)
        self._note_twins(host, blob)

    def _check_made(self, host: str, config: HostConfig, blob: bytes, given: str) -> None:
        """A machine that we made has the key we gave it, whatever any known_hosts says of its address."""
        offered = fingerprint(blob)
        if not given:
            raise HostKeyUnknownError(
                f"The host key that {host} was given is not known any more.",
                where=f"{host} ({self.name(config)})",
                why=f"It offers {offered}; secrets.yaml, which held the key, does not have it. Nothing was sent.",
                do="put back secrets.yaml of this cluster (`wizard state path` names its folder)",
            )
        if given != offered:
            raise HostKeyChangedError(
                f"{host} does not have the host key that the wizard gave it.",
                where=f"{host} ({self.name(config)})",
                why=f"Given: {given}. Offered: {offered}. Something else answers at its address, or the machine was "
                "installed anew by other hands. Nothing was sent.",
                do=f"look at the machine's console on its hypervisor: virsh console {host}",
            )

    def _check_pin(self, host: str, config: HostConfig, key_type: str, blob: bytes, verdict: Verdict) -> None:
        offered, pin = fingerprint(blob), self.pinned[host]
        if verdict.standing is Standing.REVOKED:
            raise _changed(host, config, blob, verdict)
        if pin.rstrip("=") != offered:
            raise HostKeyChangedError(
                f"{host} does not have the host key that was given with --host-key.",
                where=f"{host} ({self.name(config)})",
                why=f"Given: {printable(pin)}. Offered: {offered} ({printable(key_type)}). Nothing was sent.",
                do=_LOOK,
            )
        if verdict.standing is not Standing.TRUSTED:
            remember(self.own, self.name(config), key_type, blob)

    def _ask(self, host: str, config: HostConfig, key_type: str, blob: bytes) -> None:
        with self.asking():
            if judge(blob, self.known(config)).standing is Standing.TRUSTED:
                return
            twins = tuple(name for name in self._seen.get(blob, []) if name != host)
            question = HostKeyQuestion(host, self.name(config), printable(key_type), fingerprint(blob), twins)
            if config.strict or not self.prompter.trust(question):
                raise _unknown(question, strict=config.strict)
            remember(self.own, self.name(config), key_type, blob)
            self._seen.setdefault(blob, []).append(host)

    def _note_twins(self, host: str, blob: bytes) -> None:
        names = self._seen.setdefault(blob, [])
        if host not in names:
            names.append(host)
        if len(names) > 1 and names[-1] == host:
            self.events(
                Note(
                    text=f"{' and '.join(names)} have the same host key {fingerprint(blob)}: "
                    "one machine under two names, or a cloned system."
                )
            )


_LOOK = (
    "Compare with the fingerprint shown on the host's own screen: "
    "for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done"
)


def _unknown(question: HostKeyQuestion, *, strict: bool) -> HostKeyUnknownError:
    twins = f" It is also the key of {', '.join(question.same_as)}." if question.same_as else ""
    asked = "StrictHostKeyChecking yes forbids asking" if strict else "nobody confirmed it"
    return HostKeyUnknownError(
        f"The host key of {question.host} is not known.",
        where=f"{question.host} ({question.address})",
        why=f"It offers {question.key_type} {question.fingerprint} and {asked}.{twins} Nothing was sent.",
        do=(_LOOK, f"then run again with: --host-key {question.host}={question.fingerprint}"),
    )


def _changed(host: str, config: HostConfig, blob: bytes, verdict: Verdict) -> HostKeyChangedError:
    line = verdict.line
    offered = fingerprint(blob)
    if line is None:
        raise AssertionError("a changed key without the line it differs from")
    name = Trust.name(config)
    if verdict.standing is Standing.REVOKED:
        return HostKeyChangedError(
            f"The host key of {host} has been revoked.",
            where=f"{host} ({name}), {line.where}",
            why=f"It offers {offered}, which that line marks @revoked. Nothing was sent.",
            do="Ask whoever revoked it; give the host a new key: ssh-keygen -A (on the host)",
        )
    path = line.where.rsplit(":", 1)[0]
    return HostKeyChangedError(
        f"The host key of {host} has changed.",
        where=f"{host} ({name}), {line.where}",
        why=f"Confirmed: {line.fingerprint} ({printable(line.key_type)}). Offered now: {offered}. Either the host "
        "was installed anew, or somebody stands in between. Nothing was sent.",
        do=(
            _LOOK,
            f"only if it is right: ssh-keygen -R {shlex.quote(name)} -f {shlex.quote(path)}",
            f"or run again with: --host-key {host}={offered}",
        ),
    )
