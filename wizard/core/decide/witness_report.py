"""What `wizard witness` found, for every front end."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.core.dataclass import dataclass
from wizard.core.decide.timers import EtcdSpeeds, EtcdTimers, verdict
from wizard.core.decide.witness import Trait
from wizard.core.errors import WizardError
from wizard.core.spec.model import ClusterSpec


@dataclass(frozen=True, slots=True)
class WitnessReport:
    """The witness judged, every disk measured, and the timers that follow."""

    spec: ClusterSpec
    """With the machines that were judged, were they only proposed."""
    measured_at: float
    """Our clock, seconds since the epoch."""
    speeds: EtcdSpeeds
    timers: EtcdTimers
    traits: Mapping[str, tuple[Trait, ...]]
    """Of each witness that answered, by its name."""
    leader: str
    """Name of the member that leads; empty = nobody, or nobody tells."""
    errors: tuple[WizardError, ...] = ()
    """What kept us from seeing or measuring something."""

    @property
    def refused(self) -> bool:
        """Some part of the witness, or the disk of a member, will not do."""
        parts = any(one.verdict == "refused" for traits in self.traits.values() for one in traits)
        return parts or any(verdict(one, self.spec) == "refused" for one in self.speeds.disks)
