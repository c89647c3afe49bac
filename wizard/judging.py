"""The commands that judge: storage, layout, prove, witness. Each reads, decides and shows why."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wizard.compose import ask_wire, open_session
from wizard.core.errors import ExitCode
from wizard.front.outcome import print_json, told_after
from wizard.front.streams import tell

if TYPE_CHECKING:
    from argparse import Namespace as Options

    from wizard.core.errors import HostError, RemoteError
    from wizard.core.facts import HostFacts
    from wizard.core.session import Session


def run_storage(options: Options) -> int:
    """Which way to keep data fits these hosts, and why the others do not. Returns the exit code."""
    from wizard.core.decide.approved import with_approved
    from wizard.core.decide.storage import decide_storage
    from wizard.front.storage import storage_json, storage_text

    with open_session(options) as session:
        spec = with_approved(session.spec, session.state.layout)
        facts, failed = _known_facts(session, [host.name for host in spec.hosts])
    decision = decide_storage(spec, facts)
    if options.json:
        print_json(storage_json(decision, spec.name, failed))
    else:
        print(storage_text(decision, spec.name))
    return told_after(failed)


def run_layout(options: Options) -> int:
    """The machines, and whether their addresses are free on the wire. Returns the exit code."""
    from wizard.core.decide.layout import make_layout
    from wizard.core.decide.wire_verdict import groups, with_wire
    from wizard.front.layout import layout_json, layout_text

    with open_session(options) as session:
        spec = session.spec
        ctx = session.facts()
        facts, failed = _sorted_out({host.name: ctx.try_facts(host.name) for host in spec.hypervisors})
        layout = make_layout(spec, facts, None if options.fresh else session.state.layout)
        wire, owners, keep = ask_wire(session, ctx, layout.machines, last=options.last)
        layout = with_wire(layout, spec, wire, owners)
        found = groups(spec, layout.machines, wire)
        if options.json:
            print_json(layout_json(spec.name, layout, wire, found))
        else:
            print(layout_text(spec.name, layout, wire, found, now=time.time()), end="")
        keep()
    return told_after(failed) or int(ExitCode.OK if layout.fits else ExitCode.FAILED)


def run_prove(options: Options) -> int:
    """What each loss takes away. Returns the exit code."""
    from datetime import date

    from wizard.core.decide.approved import with_approved
    from wizard.core.decide.prove import prove
    from wizard.front.prove import prove_json, prove_text

    with open_session(options) as session:
        facts, failed = _known_facts(session, [host.name for host in session.spec.hosts])
    spec = with_approved(session.spec, session.state.layout)
    proof = prove(spec, facts, date.today().isoformat(), session.measurements)
    name = session.spec.name
    print_json(prove_json(name, proof)) if options.json else print(prove_text(name, proof), end="")
    return told_after(failed) or int(ExitCode.OK if proof.accepted else ExitCode.FAILED)


def run_witness(options: Options) -> int:
    """Judge the witness, and measure the disks of all etcd members. Returns the exit code."""
    from steps.witness import run_witness
    from wizard.front.witness import witness_json, witness_text

    with open_session(options, write=True) as session:
        report = run_witness(session, tell)
        name = session.spec.name
    print_json(witness_json(name, report)) if options.json else print(witness_text(name, report), end="")
    return told_after(report.errors) or int(ExitCode.FAILED if report.refused else ExitCode.OK)


def _known_facts(
    session: Session, names: Sequence[str]
) -> tuple[dict[str, HostFacts], list[HostError | RemoteError]]:
    """The facts of the hosts that answered, and the errors of the others."""
    ctx = session.facts(names)
    return _sorted_out({name: ctx.try_facts(name) for name in names})


def _sorted_out(
    found: Mapping[str, HostFacts | HostError | RemoteError],
) -> tuple[dict[str, HostFacts], list[HostError | RemoteError]]:
    from wizard.core.facts import HostFacts

    facts = {name: one for name, one in found.items() if isinstance(one, HostFacts)}
    return facts, [one for one in found.values() if not isinstance(one, HostFacts)]
