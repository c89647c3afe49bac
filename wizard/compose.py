"""The composition root: hosts, run state, steps and event sinks put together for one command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.core.errors import UsageError
from wizard.core.version import version

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.core.events import Event, Sink
    from wizard.core.home import ClusterHome
    from wizard.core.session import Session
    from wizard.core.spec import ClusterSpec
    from wizard.front.jsonlines import JsonLines
    from wizard.transport.ssh import SshHosts


@contextmanager
def open_session(options: Options, *, write: bool = False, extra: Sequence[Sink] = ()) -> Iterator[Session]:
    """A cluster's session: spec, hosts, run state, event sinks. With `write` the run state is locked."""
    from steps import STEPS
    from steps.parse.facts import read_facts
    from wizard.core.home import check_home, prepare_home
    from wizard.core.session import Session
    from wizard.core.spec import load_spec
    from wizard.core.state import new_state
    from wizard.core.store import StateStore
    from wizard.front.jsonlines import JsonLines
    from wizard.front.plain import tell_note

    spec = load_spec(options.spec)
    home = home_named(options, spec.name)
    store = StateStore(home, writer=version())
    with ExitStack() as stack:
        sinks = list(extra)
        if options.events:
            sinks.append(_closing(stack, JsonLines(options.events)))
        if write:
            prepare_home(home)
            stack.enter_context(store.lock())
            sinks.append(_closing(stack, JsonLines(home.events)))
        else:
            check_home(home)
            sinks.append(tell_note)
        state = store.load(accept_edited=getattr(options, "accept_edited", False))
        emit = _fan_out(sinks)
        hosts = _hosts(options, spec, home.known_hosts, emit)
        stack.callback(hosts.close)
        yield Session(
            spec=spec,
            hosts=hosts,
            steps=STEPS,
            state=state or new_state(spec.name, version()),
            saver=store,
            read_facts=read_facts,
            emit=emit,
        )


def _closing(stack: ExitStack, sink: JsonLines) -> JsonLines:
    stack.callback(sink.close)
    return sink


def _fan_out(sinks: Sequence[Sink]) -> Sink:
    def emit(event: Event) -> None:
        for sink in sinks:
            sink(event)

    return emit


def home_named(options: Options, name: str) -> ClusterHome:
    """The folder of a cluster, wherever `--dir` and the environment put it."""
    from wizard.core.home import cluster_home

    return cluster_home(name, dir_option=options.dir, env=os.environ)


def _hosts(options: Options, spec: ClusterSpec, known_hosts: Path, emit: Sink) -> SshHosts:
    from wizard.core.prompt import Prompter, Silent
    from wizard.front.terminal import TerminalPrompter, at_terminal
    from wizard.transport.credentials import Credentials, load_credentials
    from wizard.transport.ssh import SshHosts, Target

    prompter: Prompter = TerminalPrompter() if at_terminal() else Silent()
    targets = [
        Target(
            host.name,
            host.address,
            host.user or spec.ssh.user,
            host.port,
            _key_path(host.key or spec.ssh.key),
        )
        for host in spec.hosts
    ]
    return SshHosts(
        targets,
        known_hosts=known_hosts,
        pinned=_pinned(options.host_key, {host.name for host in spec.hosts}),
        prompter=prompter,
        credentials=load_credentials(options.credentials) if options.credentials else Credentials(),
        events=emit,
    )


def _key_path(name: str) -> Path | None:
    return Path(name).expanduser() if name else None


def _pinned(words: Sequence[str], names: set[str]) -> dict[str, str]:
    """`NAME=SHA256:...` as given on the command line."""
    pinned: dict[str, str] = {}
    for word in words:
        name, _, fingerprint = word.partition("=")
        if name not in names or not fingerprint.startswith("SHA256:"):
            why = f"There is no host {name!r}." if name not in names else "A fingerprint begins with SHA256:"
            raise UsageError(
                "--host-key is not understood.",
                where=f"--host-key {word}",
                why=f"{why} The hosts are {', '.join(sorted(names))}.",
                do="wizard apply --host-key NAME=SHA256:...",
            )
        pinned[name] = fingerprint
    return pinned
