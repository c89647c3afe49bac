"""What is said about the witness."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from screens.jobs import Job
from screens.text import MUTED, STRONG, Sign, labelled, lines, signed, told
from wizard.core.decide.layout_disks import host_disks
from wizard.core.decide.timers import DiskSpeed, is_witness, number, verdict
from wizard.core.decide.witness import DiskPath, judge_witness
from wizard.core.decide.witness_report import WitnessReport
from wizard.core.errors import WizardError
from wizard.core.facts import Disk, HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec

JUDGED = {"good": Sign.DONE, "warn": Sign.NEEDS, "refused": Sign.FAILED, "unknown": Sign.UNKNOWN}
SPEED = {"good": Sign.DONE, "slow": Sign.NEEDS, "accepted": Sign.NEEDS, "refused": Sign.FAILED}


def trait_lines(
    spec: ClusterSpec, found: tuple[int, HostSpec] | None, facts: HostFacts | None
) -> Iterator[Content]:
    """Each part of the witness, judged from what was seen; what only a measurement tells is left out."""
    if found is None or facts is None:
        return
    yield told((f"Parts of {found[1].name}", STRONG))
    for one in judge_witness(spec, found[1], facts, DiskPath()):
        if one.verdict != "unknown":
            yield signed(
                JUDGED[one.verdict], (f"{one.id} ", MUTED), one.found, f": {one.why}" if one.why else ""
            )


def measured_lines(job: Job[WitnessReport]) -> Iterator[Content]:
    """How quickly each disk of etcd syncs."""
    yield told(("How long each disk takes to sync", STRONG))
    if job.running:
        yield signed(Sign.RUNS, "measuring; F2 shows the log")
    elif isinstance(job.result, WitnessReport):
        for one in job.result.speeds.disks:
            judged = verdict(one, job.result.spec)
            took = "not measured" if one.p99_ms is None else f"{number(one.p99_ms)} ms"
            text = f"{one.member:<10} {took:>9}  {judged}"
            yield signed(SPEED.get(judged, Sign.UNKNOWN), text, (f"  {one.device}", MUTED))
        for one in slow_guests(job.result):
            yield signed(
                Sign.FAILED,
                f"{one.member} is too slow for etcd. Give {one.host} an etcd_dir on an SSD (cluster.yaml) and measure "
                "again, or go on for a while: Slow guest, above.",
            )
    else:
        yield signed(Sign.LATER, "not measured yet: ctrl+r measures all of them.")


def slow_guests(result: WitnessReport | WizardError | None) -> tuple[DiskSpeed, ...]:
    """The disks of guests that were measured to be too slow for etcd; what the witness has of it is asked for itself."""
    if not isinstance(result, WitnessReport):
        return ()
    guests = [one for one in result.speeds.disks if not is_witness(result.spec, one.member)]
    return tuple(one for one in guests if verdict(one, result.spec) == "refused")


def outlook(
    found: tuple[int, HostSpec] | None, facts: HostFacts | None, result: WitnessReport | WizardError | None
) -> Content:
    """Why a witness, what its disk means, and the timers that follow."""
    rows: list[Content] = [
        told(("The third vote", STRONG)),
        told(""),
        told(
            "With it a majority remains when any one machine stops. It carries no guests and no data of yours."
        ),
        told(""),
    ]
    if found is None or facts is None:
        return lines([*rows, told(("Its disks are not known yet.", MUTED))])
    rows += _verdict(host_disks(found[1], facts).etcd)
    rows.append(told(""))
    if isinstance(result, WitnessReport):
        timers = result.timers
        rows += [told(("Timers", STRONG)), labelled("heartbeat", f"{timers.heartbeat_ms} ms")]
        rows += [labelled("election", f"{timers.election_ms} ms"), told((timers.reason, MUTED))]
    else:
        rows.append(told(("Timers follow from what is measured.", MUTED)))
    return lines(rows)


def _verdict(disks: tuple[Disk, ...]) -> Iterator[Content]:
    if not disks:
        yield signed(Sign.UNKNOWN, "On which disk the folder lies is not known.")
    elif any(disk.is_sd for disk in disks):
        yield signed(Sign.NEEDS, "The folder lies on the SD card: too slow for etcd, and worn out by it.")
    else:
        yield signed(Sign.DONE, "The folder lies on an SSD.")
