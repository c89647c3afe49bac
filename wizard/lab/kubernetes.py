"""What is built for the lab's Kubernetes, only when asked: archives of container images, and helm-controller."""

from __future__ import annotations

import shutil
from pathlib import Path

from wizard.lab import container_images, go_build, image_archive, machine
from wizard.lab.artifacts import Recipe, make
from wizard.lab.container_images import APPS, CLUSTER, METALLB, Image
from wizard.lab.images import Say
from wizard.lab.spec import K3S_VERSION

HELM_CONTROLLER = f"{container_images.FOLDER}/helm-controller"
HELM_CONTROLLER_VERSION = "0.17.7"
"""The one K3s links in; go.mod in its folder says the same."""


def node_recipes() -> tuple[Recipe, ...]:
    """What a node takes from this machine: K3s, what it carries inside, and the images it starts with.

    Raises:
        LabError: there is no Go.
    """
    from wizard.lab import k3s

    return k3s.recipe(), helm_controller(), archive("k3s-airgap-images", CLUSTER, K3S_VERSION)


def app_recipes() -> tuple[Recipe, ...]:
    """The images of what runs on the nodes.

    Raises:
        LabError: there is no Go.
    """
    return (
        archive("metallb-images", METALLB, container_images.METALLB_VERSION),
        archive("lab-app-images", APPS, ""),
    )


def recipes() -> tuple[Recipe, ...]:
    """Everything the lab's Kubernetes takes from this machine.

    Raises:
        LabError: there is no Go.
    """
    return (*node_recipes(), *app_recipes())


def archive(name: str, images: tuple[Image, ...], version: str) -> Recipe:
    """Several images in one file, as K3s imports them from its `agent/images`.

    Args:
        name: of the artifact.
        images: what is in it.
        version: of what they are images of; empty = told from the content.
    """
    parts = tuple(container_images.recipe(image) for image in images)

    def build(out: Path, say: Say) -> None:
        image_archive.join([make(part, say) for part in parts], out)

    return Recipe(
        name=name,
        file=f"{name}-{machine.arch()}.tar.gz",
        inputs=tuple(part.key for part in parts),
        costs=f"container images: {', '.join(image.short for image in images)}",
        build=build,
        version=version,
    )


def helm_controller() -> Recipe:
    """The program that the stand-in for K3s starts beside itself: the real one, from its module."""

    def build(out: Path, _say: Say) -> None:
        program = out.with_name(f"{out.name}.program")
        go_build.compile_program(HELM_CONTROLLER, "github.com/k3s-io/helm-controller", program)
        shutil.move(program, out)

    return Recipe(
        name="helm-controller",
        file=f"helm-controller-{machine.arch()}",
        inputs=go_build.inputs(HELM_CONTROLLER),
        costs="building it from its Go module (90 s)",
        build=build,
        version=HELM_CONTROLLER_VERSION,
    )
