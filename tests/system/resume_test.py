#!/usr/bin/env python3
"""Killed, stopped, resumed on other numbers of ranks: metrics.jsonl and weights end as if nothing had happened."""
import os
import random
import signal
import subprocess

import harness


def reference(place):
    place.run(2, "train", "small.ini", "run.name=reference")
    return place.metrics("reference"), place.digest("reference")


def lines(place, name):
    path = place.folder / "runs" / name / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def ends_as(place, name, expected):
    place.run(3, "train", "small.ini", f"run.name={name}", "--resume", "auto")
    assert place.metrics(name) == expected[0], "other losses"
    assert place.digest(name) == expected[1], "other weights"


def killed_at_random_steps(binary):
    rng = random.Random(5)
    with harness.Place(binary) as place:
        expected = reference(place)
        total = len(expected[0])
        for round_ in range(5):
            ranks = rng.choice([1, 2, 3, 4])
            process = place.start(ranks, "train", "small.ini", "run.name=killed", "--resume", "auto")
            at = min(total - 2, lines(place, "killed") + rng.randrange(1, 5))
            checkpoints = place.folder / "runs" / "killed" / "checkpoints"

            def saving():
                return checkpoints.exists() and any(".tmp" in name for name in os.listdir(checkpoints))

            # Some in the middle of a save, the others in the middle of steps.
            harness.wait_for(lambda: process.poll() is not None or (saving() if round_ % 2 else lines(place, "killed") >= at))
            harness.kill_group(process)
        ends_as(place, "killed", expected)


def stopped_by_signals(binary):
    with harness.Place(binary) as place:
        expected = reference(place)
        # SIGUSR1 to mpirun reaches all ranks, which save and exit with 85.
        process = place.start(2, "train", "small.ini", "run.name=stopped")
        harness.wait_for(lambda: lines(place, "stopped") >= 3)
        process.send_signal(signal.SIGUSR1)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 85, f"exit {process.returncode}: {output}"
        assert "SIGUSR1" in output, output
        ends_as(place, "stopped", expected)


def a_corrupt_newest_is_stepped_over(binary):
    with harness.Place(binary) as place:
        expected = reference(place)
        place.run(1, "train", "small.ini", "run.name=corrupt", "run.steps=20")
        newest = sorted((place.folder / "runs" / "corrupt" / "checkpoints").glob("step-*.h5"))[-1]
        data = bytearray(newest.read_bytes())
        data[len(data) // 2] ^= 1
        newest.write_bytes(data)
        output = place.run(2, "train", "small.ini", "run.name=corrupt", "--resume", "auto")
        assert "does not verify" in output and "resuming from" in output, output
        assert place.metrics("corrupt")[-1] == expected[0][-1], "other losses"
        assert place.digest("corrupt") == expected[1], "other weights"


def a_checkpoint_of_another_model_is_refused(binary):
    with harness.Place(binary) as place:
        place.run(1, "train", "small.ini", "run.name=a", "run.steps=3")
        newest = sorted((place.folder / "runs" / "a" / "checkpoints").glob("step-*.h5"))[-1]
        output = place.run(2, "train", "small.ini", "run.name=b", "layer conv1.channels=7", "--resume", str(newest), expect=2)
        assert "another model" in output and "conv1.weight" in output, output
        assert output.count("another model") == 1, f"said more than once: {output}"


def a_second_run_moves_the_first_aside(binary):
    with harness.Place(binary) as place:
        place.run(1, "train", "small.ini", "run.steps=3")
        output = place.run(1, "train", "small.ini", "run.steps=3")
        assert "runs/small.1" in output, output
        assert place.digest("small") == place.digest("small.1")


def resuming_from_another_run_leaves_it_alone(binary):
    with harness.Place(binary) as place:
        place.run(1, "train", "small.ini", "run.name=a", "run.steps=9")
        place.run(1, "train", "small.ini", "run.name=b", "run.steps=6")
        before = place.digest("b")
        output = place.run(1, "train", "small.ini", "run.name=b", "run.steps=12", "optimizer.learning_rate=1e-3",
                           "--resume", "runs/a/checkpoints/step-00000009.h5")
        assert "runs/b.1" in output, output
        assert "optimizer.learning_rate = 1e-3, before 2e-3" in output, output
        assert place.digest("b.1") == before
        assert place.metrics("b")[0]["step"] == 10


def the_best_is_kept_whenever_it_is_found(binary):
    with harness.Place(binary) as place:
        place.run(1, "train", "small.ini", "evaluation.every=3", "checkpoint.every=1000")
        accuracies = {entry["step"]: entry["test_accuracy"] for entry in place.metrics("small") if "test_accuracy" in entry}
        best = max(accuracies, key=lambda step: (accuracies[step], -step))
        shown = place.lone("show", "runs/small/checkpoints/best.h5")
        assert f"after         {best} step" in shown, f"best is step {best} of {accuracies}: {shown[:300]}"


def ranks_that_would_resume_apart_are_refused(binary):
    with harness.Place(binary) as place:
        for seed in (1, 2):
            place.run(1, "train", "small.ini", f"run.name=seed{seed}", f"run.seed={seed}", "run.steps=3")
        train = ["train", "small.ini", "--resume"]
        command = ["mpirun", "-n", "1", place.binary, *train, "runs/seed1/checkpoints/step-00000003.h5", ":",
                   "-n", "1", place.binary, *train, "runs/seed2/checkpoints/step-00000003.h5"]
        done = subprocess.run(command, cwd=place.folder, env=harness.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120)
        assert done.returncode == 2 and "the checkpoint to resume from" in done.stdout, done.stdout


def without_a_test_part_nothing_is_evaluated(binary):
    with harness.Place(binary) as place:
        place.run(1, "train", "small.ini", "data.test=0", "run.steps=6")
        assert not any("test_loss" in entry for entry in place.metrics("small"))


if __name__ == "__main__":
    harness.main([killed_at_random_steps, stopped_by_signals, a_corrupt_newest_is_stepped_over,
                  a_checkpoint_of_another_model_is_refused, a_second_run_moves_the_first_aside,
                  resuming_from_another_run_leaves_it_alone, the_best_is_kept_whenever_it_is_found,
                  ranks_that_would_resume_apart_are_refused, without_a_test_part_nothing_is_evaluated])
