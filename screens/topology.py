"""The picture of the homelab in the place of what a screen tells, when it is asked for."""

from __future__ import annotations

from typing import ClassVar

from screens.base import StageScreen
from screens.drawn import Picture
from wizard.core.view.styled import Line
from wizard.core.view.topology import Topology, topology_lines


class TopologyScreen(StageScreen):
    """A stage with two pictures, one of them shown: what it tells, and which machine runs where and how it is."""

    TELLS: ClassVar[str]
    """Id of the picture that gives way to the topology."""

    def topology(self) -> Topology:
        """The homelab as far as it is known now."""
        raise NotImplementedError

    def topology_picture(self) -> Picture:
        """The topology, hidden until it is asked for."""
        picture = Picture(self._topology_lines, id="topology")
        picture.display = False
        return picture

    def _topology_lines(self, width: int, _height: int) -> list[Line]:
        return topology_lines(self.topology(), width)

    @property
    def topology_shown(self) -> bool:
        """Whether the topology is what is shown."""
        return bool(self.query_one("#topology").display)

    def show_topology(self, shown: bool) -> None:
        """Show the topology, or what the screen tells.

        Args:
            shown: the topology.
        """
        self.query_one("#topology").display = shown
        self.query_one(f"#{self.TELLS}").display = not shown

    def action_topology(self) -> None:
        """The other one of the two."""
        self.show_topology(not self.topology_shown)
        self.redraw()

    def redraw(self) -> None:
        """The frame, and every picture that is shown."""
        super().redraw()
        for picture in self.query(Picture):
            if picture.display:
                picture.redraw()
