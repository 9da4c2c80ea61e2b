#!/usr/bin/env python3
"""The promise at full size: configs/digits.ini reaches 98%, with the same bits on 1 to 4 ranks and through five kills."""
import pathlib
import random
import sys

import harness

CONFIG = (pathlib.Path(sys.argv[2]) / "digits.ini").read_text()
EVERY_STEP = ["run.log_every=1", "checkpoint.every=20"]


def result(place, name):
    return place.metrics(name), place.digest(name)


def digits_are_learnt_with_the_same_bits(binary):
    with harness.Place(binary, CONFIG) as place:
        place.run(2, "train", "small.ini", "run.name=two", *EVERY_STEP, timeout=900)
        expected = result(place, "two")
        accuracy = [entry["test_accuracy"] for entry in expected[0] if "test_accuracy" in entry][-1]
        assert accuracy >= 0.98, f"only {100 * accuracy:.2f}%"
        for ranks in (1, 3, 4):
            place.run(ranks, "train", "small.ini", f"run.name=ranks{ranks}", *EVERY_STEP, timeout=900)
            assert result(place, f"ranks{ranks}") == expected, f"other bits on {ranks} ranks"

        rng = random.Random(11)
        path = place.folder / "runs" / "killed" / "metrics.jsonl"
        checkpoints = place.folder / "runs" / "killed" / "checkpoints"
        for kill in range(5):
            process = place.start(rng.choice([1, 2, 3, 4]), "train", "small.ini", "run.name=killed", *EVERY_STEP, "--resume", "auto")
            seen = len(path.read_text().splitlines()) if path.exists() else 0
            at = min(len(expected[0]) - 30, seen + rng.randrange(10, 70))

            def reached():
                lines = len(path.read_text().splitlines()) if path.exists() else 0
                if kill % 2 == 0 or lines < at:
                    return lines >= at
                return checkpoints.exists() and any(".tmp" in entry.name for entry in checkpoints.iterdir())

            harness.wait_for(lambda: process.poll() is not None or reached(), seconds=600)
            assert process.poll() is None, "the run ended before it could be killed"
            harness.kill_group(process)
        place.run(3, "train", "small.ini", "run.name=killed", *EVERY_STEP, "--resume", "auto", timeout=900)
        assert result(place, "killed") == expected, "other bits after kills"


if __name__ == "__main__":
    harness.main([digits_are_learnt_with_the_same_bits])
