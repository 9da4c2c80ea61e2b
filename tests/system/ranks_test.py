#!/usr/bin/env python3
"""Ranks that differ, and ranks that fail alone: the job ends at once, with the message of the rank that knows."""
import signal
import subprocess

import harness


def run_apart(place, first, second, expect):
    """One rank with each of two command lines."""
    command = ["mpirun", "-n", "1", place.binary, *first, ":", "-n", "1", place.binary, *second]
    done = subprocess.run(command, cwd=place.folder, env=harness.environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == expect, f"exit {done.returncode}, not {expect}: {done.stdout}"
    return done.stdout


def a_config_that_differs_is_named(binary):
    with harness.Place(binary) as place:
        train = ["train", "small.ini"]
        output = run_apart(place, train, train + ["optimizer.learning_rate=0.5"], expect=2)
        assert "rank 0 has optimizer.learning_rate = 2e-3; rank 1 has optimizer.learning_rate = 0.5" in output, output
        assert output.count("learning_rate") == 2, f"said more than once: {output}"
        assert not (place.folder / "runs").exists(), "a run was begun"


def data_that_differ_are_named(binary):
    with harness.Place(binary) as place:
        for folder, values in (("a", "1,2\n2,4\n3,6\n4,8\n"), ("b", "1,2\n2,4\n3,6\n4,9\n")):
            (place.folder / folder).mkdir()
            (place.folder / folder / "data.csv").write_text("x,y\n" + values)
            (place.folder / folder / "model.ini").write_text(
                "[run]\nbatch = 2\n[data]\nsource = csv\npath = data.csv\ntarget = y\ntest_fraction = 0\n"
                "[layer out]\ntype = linear\n")
        command = ["mpirun", "-n", "1", "--wdir", place.folder / "a", place.binary, "train", "model.ini", ":",
                   "-n", "1", "--wdir", place.folder / "b", place.binary, "train", "model.ini"]
        done = subprocess.run(command, env=harness.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120)
        assert done.returncode == 2 and "the data (its digest)" in done.stdout, done.stdout


def a_rank_that_fails_alone_is_heard(binary):
    with harness.Place(binary) as place:
        output = run_apart(place, ["train", "small.ini"], ["train", "missing.ini"], expect=2)
        assert "rank 1: error: there is no file missing.ini" in output, output


def more_ranks_than_shards_are_refused(binary):
    with harness.Place(binary) as place:
        output = place.run(3, "train", "small.ini", "run.shards=2", expect=2)
        assert "run.shards" in output and output.count("use at most 2 ranks") == 1, output


def sigterm_without_mpirun_saves(binary):
    with harness.Place(binary) as place:
        process = subprocess.Popen([place.binary, "train", "small.ini", "run.epochs=1000"], cwd=place.folder,
                                   env=harness.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        path = place.folder / "runs" / "small" / "metrics.jsonl"
        harness.wait_for(lambda: path.exists() and path.read_text().count("\n") >= 3)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 85 and "SIGTERM" in output, f"{process.returncode}: {output}"
        step = place.metrics("small")[-1]["step"]
        assert (place.folder / "runs" / "small" / "checkpoints" / f"step-{step:08d}.h5").exists()


def divergence_is_caught_before_the_weights(binary):
    with harness.Place(binary) as place:
        output = place.run(2, "train", "small.ini", "optimizer.type=sgd", "optimizer.learning_rate=1e6",
                           "optimizer.clip_norm=0", "checkpoint.every=1", expect=1)
        assert "not finite" in output or "is nan" in output or "is inf" in output, output
        assert "learning rate" in output and output.count("optimizer.learning_rate") == 1, output
        shown = place.lone("show", "runs/small")
        rows = [line for line in shown.splitlines() if line.startswith(("model/", "optimizer/"))]
        assert rows and not any("nan" in row or "inf" in row for row in rows), f"a checkpoint holds NaN: {shown}"


if __name__ == "__main__":
    harness.main([a_config_that_differs_is_named, data_that_differ_are_named, a_rank_that_fails_alone_is_heard,
                  more_ranks_than_shards_are_refused, sigterm_without_mpirun_saves,
                  divergence_is_caught_before_the_weights])
