"""Pulls images from the test's registry into a cache of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.artifacts.registry_server import Registry
from tests.rows import assert_explained
from wizard.artifacts.download import Tries
from wizard.artifacts.images import ImagePuller, WantedImage
from wizard.core.errors import WizardError
from wizard.transport.http import HttpClient


class Pulling:
    """Pulls from the test's registry into a cache of its own; pauses are written down, not made."""

    def __init__(self, client: HttpClient, root: Path) -> None:
        self.client, self.root = client, root
        self.pauses: list[float] = []

    def __call__(self, registry: Registry, arch: str = "amd64", **changes: object) -> Path:
        puller = ImagePuller.over(self.client, self.root, tries=Tries(fruitless=2), sleep=self.pauses.append)
        want = WantedImage("dns 1.0 for the test", registry.reference, arch, "the catalog", 10**6)
        return puller.obtain(replace(want, **changes)).path  # type: ignore[arg-type]

    def refused(self, registry: Registry, arch: str = "amd64", **changes: object) -> WizardError:
        with pytest.raises(WizardError) as caught:
            self(registry, arch, **changes)
        assert_explained(caught.value, exit_code=caught.value.exit_code)
        assert not list(self.root.glob("known/image-*")), "a file was kept as if it were the image"
        return caught.value
