# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`make vmtest BUSY=seed`: a guest on a machine that has no time for it. Now and then it stands still for up to
some seconds, and for some seconds it comes to a tenth of its speed, as beside other guests. A test that fails
only here depends on how fast the machine is: the fault is the test's, or a time-out's.
"""
import contextlib
import os
import random
import signal
import threading
import time

EVERY = 4.0  # seconds between two troubles, in the mean
STANDSTILLS = (0.1, 0.3, 0.5, 1.0, 1.5, 2.5)
CRAWL = (2.0, 6.0)  # so long, of which it runs one part in ten:
RUNS, STANDS = 0.006, (0.02, 0.09)


class Busy:
    """Stops a process group and lets it go on, until it is told to leave it alone, or the group has ended."""

    def __init__(self, group, seed, every=EVERY):
        self.group, self.every, self.random = group, every, random.Random(seed)
        self.standstills = self.crawls = 0
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def leave(self):
        self._enough.set()
        self._thread.join()
        self._signal(signal.SIGCONT)
        return f"{self.standstills} standstills, {self.crawls} phases at a tenth of the speed"

    def _run(self):
        while not self._enough.wait(self.random.expovariate(1 / self.every)):
            if self.random.random() < 0.75:
                self.standstills += 1
                self._stand(self.random.choice(STANDSTILLS))
                continue
            self.crawls += 1
            until = time.monotonic() + self.random.uniform(*CRAWL)
            while time.monotonic() < until and not self._enough.wait(RUNS):
                self._stand(self.random.uniform(*STANDS))

    def _stand(self, seconds):
        self._signal(signal.SIGSTOP)
        self._enough.wait(seconds)
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.group, number)
