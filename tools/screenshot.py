"""Runs a command and draws what it printed as an SVG picture of a terminal, for the README.

Usage: screenshot.py PICTURE.svg COLUMNS COMMAND [ARG ...]
"""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

STYLES = {"xx": "bold red", "!!": "bold yellow", "ok": "green", "--": "dim"}
"""Colour of a line that begins with one of the report's symbols; in the program the symbol alone must do."""


def main(picture: str, columns: str, *command: str) -> int:
    """Draw one command's output.

    Args:
        picture: the file to write.
        columns: width of the terminal.
        command: program and arguments; shown as a person types it.

    Returns:
        0, whatever the command's own exit code: a picture of a failure is a picture.
    """
    env = {**os.environ, "COLUMNS": columns}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    console = Console(record=True, width=int(columns), file=StringIO(), force_terminal=True)
    shown = " ".join(
        [Path(command[0]).name, *(word for word in command[1:] if "/" not in word and word != "-f")]
    )
    console.print(Text(f"$ {shown}", style="bold"))
    for line in run.stdout.splitlines():
        console.print(Text(line, style=STYLES.get(line.strip()[:2], "")), soft_wrap=True)
    Path(picture).write_text(
        console.export_svg(title=f"{Path(command[0]).name} {command[1]}"), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
