"""What does not fit together in a spec whose single values are well formed; each rule is a pure function.

Rules also see specs of which a part was refused: a value that is empty was reported already and is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wizard.core.spec.model import ClusterSpec, Problem
from wizard.core.spec.rules.addresses import address_rules
from wizard.core.spec.rules.members import member_rules
from wizard.core.spec.rules.names import name_rules
from wizard.core.spec.rules.networks import network_rules
from wizard.core.spec.rules.services import service_rules

RULES: tuple[Callable[[ClusterSpec], Iterator[Problem]], ...] = (
    name_rules,
    network_rules,
    address_rules,
    member_rules,
    service_rules,
)


def all_problems(spec: ClusterSpec) -> tuple[Problem, ...]:
    """Every problem that the rules find, in the order of the rules.

    Args:
        spec: what is wanted; values that were refused are empty.
    """
    return tuple(problem for rule in RULES for problem in rule(spec))
