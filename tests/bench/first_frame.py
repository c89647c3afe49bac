"""A terminal driver that notes when the first screen is drawn, and ends there: the same for both contestants.

`tests/bench/terminal.py` names it in TEXTUAL_DRIVER.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from textual.drivers.linux_driver import LinuxDriver

MARK, RESULT = "WIZARD_BENCH_MARK", "WIZARD_BENCH_RESULT"
"""Environment variables: the words by which the first screen is known, and the file the figure goes to."""


class FirstFrameDriver(LinuxDriver):
    """As a terminal's own driver, until the words are drawn."""

    def write(self, data: str) -> None:
        """Write; once the first screen is on its way to the terminal, note the processor time and end."""
        super().write(data)
        if os.environ[MARK] in data:
            Path(os.environ[RESULT]).write_text(str(time.process_time()))
            os._exit(0)
