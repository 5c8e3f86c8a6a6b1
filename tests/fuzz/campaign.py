"""Feeding a target and keeping count: codes, what got past the framing, and every answer that is none."""

import hashlib
import json
import resource
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.fuzz.targets import TARGETS, is_past_framing

HEADROOM = 3 << 28
"""Bytes of address space a target may take beyond what the process has."""
SLOW = 1.0
"""Seconds of the processor; an execution that takes longer is a finding. One that waits for ever libFuzzer stops."""


@contextmanager
def limited_memory(headroom=HEADROOM):
    """An allocation beyond the headroom raises MemoryError inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + headroom, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class Campaign:
    """One target's account."""

    def __init__(self, name, findings=None):
        self.name, self.target = name, TARGETS[name]
        self.folder = findings
        self.executions = self.past_framing = 0
        self.slowest = 0.0
        self.codes = Counter()
        self.findings = {}

    def run(self, data):
        """One execution. What is no result and no PavError is kept, once for each place it comes from."""
        start = time.process_time()
        try:
            codes = self.target.run(data)
        except (Exception, RecursionError, MemoryError) as error:
            self._keep(_place_of(error), data)
            codes = ["finding"]
        seconds = time.process_time() - start
        if seconds > SLOW:
            self._keep(f"slow: {seconds:.1f} s", data)
        self.slowest = max(self.slowest, seconds)
        self.executions += 1
        self.past_framing += is_past_framing(codes)
        self.codes.update(codes or ["fine"])

    def _keep(self, place, data):
        if place in self.findings:
            return
        self.findings[place] = data
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = hashlib.sha256(place.encode()).hexdigest()[:12]
            (self.folder / f"{self.name}-{name}.bin").write_bytes(data)
            (self.folder / f"{self.name}-{name}.txt").write_text(place + "\n")

    def report(self):
        """What happened, as JSON."""
        return {
            "target": self.name,
            "executions": self.executions,
            "past_framing": self.past_framing,
            "slowest_seconds": round(self.slowest, 3),
            "codes": dict(self.codes.most_common()),
            "findings": sorted(self.findings),
        }

    def save(self, path):
        path.write_text(json.dumps(self.report()))


def _place_of(error):
    """Type and place of an exception: equal for equal faults."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno} ({last.name}): {str(error)[:100]}"


def plain(name, executions=None, seconds=None, seed=0, findings=None):
    """Mutated seeds, without regard to coverage."""
    campaign, random = Campaign(name, findings), Random(seed)
    seeds = list(campaign.target.seeds().values())
    end = None if seconds is None else time.monotonic() + seconds
    with limited_memory():
        for data in seeds:
            campaign.run(data)
        while (executions is None or campaign.executions < executions) and (
            end is None or time.monotonic() < end
        ):
            campaign.run(campaign.target.mutated(random.choice(seeds), random))
    return campaign
