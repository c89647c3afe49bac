"""The stages of the setup. This list is the table of contents of the whole program."""

from __future__ import annotations

from steps.discover import Discover
from steps.etcd import Etcd
from steps.here import Here
from steps.hosts import Hosts
from steps.machines import Machines
from wizard.core.step import Step

STEPS: tuple[Step, ...] = (Here(), Hosts(), Discover(), Machines(), Etcd())
"""In the order of the story."""
