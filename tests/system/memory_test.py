#!/usr/bin/env python3
"""Resident memory stays flat from the tenth step on, saves and evaluations included."""
import time

import harness


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


def memory_is_flat(binary):
    with harness.Place(binary) as place:
        import subprocess
        process = subprocess.Popen([place.binary, "train", "small.ini", "run.epochs=40", "checkpoint.every=2"],
                                   cwd=place.folder, env=harness.environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        path = place.folder / "runs" / "small" / "metrics.jsonl"
        harness.wait_for(lambda: path.exists() and len(path.read_text().splitlines()) >= 15)
        early = resident_kib(process.pid)
        samples = []
        while process.poll() is None:
            try:
                samples.append(resident_kib(process.pid))
            except (FileNotFoundError, ProcessLookupError):
                break
            time.sleep(0.01)
        assert process.wait() == 0
        # What is kept from step to step or from save to save adds up, so that the last quarter of the run lies above
        # `late`; for a moment the driver holds an old and a new block of its own at once. The kernel counts pages per
        # core and adds them up late.
        late = sorted(samples)[len(samples) * 3 // 4]
        assert late - early <= 64, f"{early} KiB at step 10, {late} KiB later"


if __name__ == "__main__":
    harness.main([memory_is_flat])
