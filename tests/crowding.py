"""What a limit in seconds is worth on a machine that other programs, other tests among them, use too."""

import os
import time

WORK_S = 0.02


def crowding() -> float:
    """How many times longer work takes at this moment; 1: nobody else wants the processors."""
    began, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < WORK_S:
        pass
    return max(1.0, (time.perf_counter() - began) / (time.process_time() - cpu))


def crowding_of_late() -> float:
    """How many wanted each processor in the last minute; 1: no more than there are."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
