"""The wizard on a terminal, measured from inside: `python -m tests.bench.screens SCENARIO FOLDER`.

Scenarios: `streams` (12 hosts print, keys are pressed from outside), `install` (a whole one on practice hosts), `idle`.
What was measured is written to FOLDER/result.json.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

from textual.drivers.linux_driver import LinuxDriver

from screens.app import WizardApp
from screens.review import ReviewScreen
from wizard.compose import load_behind
from wizard.core.engine.control import Control
from wizard.core.events import ChangeProgress, ChangeStarted, Event, Output, RunStarted, Sink
from wizard.core.prompt import Prompter
from wizard.core.session import Session
from wizard.core.spec import ClusterSpec
from wizard.practice.opening import Wish
from wizard.practising import PracticeDesk

HOSTS, LINES = 12, 5_000
"""How many stream, and their lines a second together."""
BATCH = 10
BEAT = 0.01
"""Seconds between two looks at whether the loop is free."""
IDLE_SECONDS = 6.0
SPEED = 8.0
"""Of the practice homelab: an install of two minutes takes fifteen seconds."""
READY = "ready"
"""A file in the folder, there while keys may be pressed."""

Found = dict[str, float]


class NotingDriver(LinuxDriver):
    """Notes when something is drawn, and whether the topology is what the middle shows."""

    frames: ClassVar[list[tuple[float, bool]]] = []

    def write(self, data: str) -> None:
        """Write, and note it once it is with the terminal's writer."""
        super().write(data)
        large = self._app.screen.query("#topology") if self._app.screen_stack else ()
        self.frames.append((time.monotonic(), any(one.region for one in large)))


class StreamingDesk(PracticeDesk):
    """A run in which hosts do nothing but print."""

    rate: ClassVar[int] = LINES
    sent: ClassVar[list[int]] = []

    @contextmanager
    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> Iterator[Session]:
        """What a run needs of a session."""
        control = Control()

        def tell(event: Event) -> None:
            for sink in sinks:
                sink(event)

        def apply(_approve: object) -> None:
            tell(RunStarted(command="apply", cluster=spec.name, steps=(("stream", "Stream"),)))
            threads = [threading.Thread(target=self.stream, args=(n, tell, control)) for n in range(HOSTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        hosts = SimpleNamespace(close=lambda: None)
        yield cast("Session", SimpleNamespace(control=control, hosts=hosts, apply=apply))

    def stream(self, number: int, tell: Callable[[Event], None], control: Control) -> None:
        """One host: ten lines at a time, and between them what it is at."""
        what: dict[str, Any] = {"step": "stream", "change": f"print:{number}", "host": f"host-{number}"}
        tell(ChangeStarted(**what, summary="prints"))
        sent, began = 0, time.monotonic()
        while not control.detach.is_set():
            if not self.rate:
                control.detach.wait(1.0)
                continue
            for _ in range(BATCH):
                sent += 1
                tell(Output(**what, line=f"line {sent}: unpacking something with a name of usual length"))
            tell(ChangeProgress(**what, text=f"{sent} lines"))
            due = began + sent * HOSTS / self.rate
            time.sleep(max(0.0, due - time.monotonic()))
        self.sent.append(sent)


class SilentDesk(StreamingDesk):
    """A run that waits for its hosts, and they say nothing."""

    rate: ClassVar[int] = 0


def app_on(folder: Path, kind: type[PracticeDesk]) -> WizardApp:
    """The wizard on simulated hosts, every question answered."""
    spec = folder / "cluster.yaml"
    wish = Wish(speed=SPEED)
    options = argparse.Namespace(spec=spec, dir=folder, events=None, command="setup", practice=wish)
    desk = kind(options)
    spec.write_text(desk.begin().text())
    gc.disable()  # as `wizard.compose.run_screens` does
    app = WizardApp(desk, behind=load_behind)
    app.driver_class = NotingDriver
    return app


async def until(holds: Callable[[], bool]) -> None:
    """Wait without being noticed."""
    while not holds():
        await asyncio.sleep(0.05)


async def ended(app: WizardApp) -> None:
    """Let the run go and wait for its end."""
    app.let_go()
    await until(lambda: app.install is not None and not app.install.active)


async def streams(app: WizardApp, folder: Path) -> Found:
    """Stream until the keys are through; the frames are told, for the one who pressed."""
    app.build(frozenset())
    await asyncio.sleep(1.0)
    began = time.monotonic()
    (folder / READY).touch()
    await until(lambda: not (folder / READY).exists())
    seconds = time.monotonic() - began + 1.0
    await ended(app)
    (folder / "frames.json").write_text(json.dumps(NotingDriver.frames))
    return {"lines a second": sum(StreamingDesk.sent) / seconds}


async def install(app: WizardApp, _folder: Path) -> Found:
    """From the review to what was built, with the log open; how long the loop was ever busy, and what it all holds."""
    gaps = asyncio.create_task(longest_gap())
    app.go("review")
    await until(lambda: isinstance(app.screen, ReviewScreen) and app.screen.reviewed is not None)
    app.simulate_key("ctrl+n")
    await until(lambda: getattr(app.screen, "STAGE", "") == "run")
    app.simulate_key("l")
    await until(lambda: getattr(app.screen, "STAGE", "") == "done")
    await asyncio.sleep(1.0)
    gaps.cancel()
    return {"gap": WORST["wall"], "gap of processor time": WORST["cpu"], "memory": resident()}


WORST = {"wall": 0.0, "cpu": 0.0}


async def longest_gap() -> None:
    """Keep the longest time in which the loop did not come back to us: by the clock, and of its own processor time."""
    while True:
        wall, cpu = time.perf_counter(), time.thread_time()
        await asyncio.sleep(BEAT)
        WORST["wall"] = max(WORST["wall"], time.perf_counter() - wall - BEAT)
        WORST["cpu"] = max(WORST["cpu"], time.thread_time() - cpu)


def resident() -> float:
    """MiB of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


async def idle(app: WizardApp, _folder: Path) -> Found:
    """The processor's share while nothing happens: on the welcome, while a run waits, and when it is over."""
    app.go("welcome")
    found = {"welcome": await share()}
    app.build(frozenset())
    found["run that waits"] = await share()
    await ended(app)
    found["run that is over"] = await share()
    return found


async def share() -> float:
    """Per cent of one processor, once what went before is drawn."""
    await asyncio.sleep(2.0)
    cpu, wall = time.process_time(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    return 100 * (time.process_time() - cpu) / (time.monotonic() - wall)


SCENARIOS = {
    "streams": (streams, StreamingDesk),
    "install": (install, PracticeDesk),
    "idle": (idle, SilentDesk),
}


def main(name: str, folder: Path) -> None:
    """Run one scenario to its end."""
    scenario, desk = SCENARIOS[name]
    app = app_on(folder, desk)
    tasks = []

    async def drive() -> None:
        await asyncio.sleep(1.0)
        found = await scenario(app, folder)
        (folder / "result.json").write_text(json.dumps(found))
        app.end(0)

    app.call_later(lambda: tasks.append(asyncio.create_task(drive())))
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
