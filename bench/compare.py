#!/usr/bin/env python3
"""Lemnos beside PyTorch on this machine: training, and single layers, in turns.

usage: bench/compare.py LEMNOS [--workloads mlp,lenet | --workloads none] [--kernels TEXT | --kernels none] [--rounds N]
                        [--seconds S] [--equal-threads] [--json FILE] [--python PYTHON]

Each round runs every configuration once, one after the other, so that a busy moment meets both sides. Best is the best
step of all rounds; median is the median over the rounds of their medians. A ratio is Lemnos' rate by PyTorch's, each
side in the configuration that is best for it: above 1 Lemnos is faster. With --equal-threads one rank meets one thread.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent

# By workload: a config of bench/configs, or the layers for want of which there is none yet.
WORKLOADS = {"mlp": "mlp.ini", "lenet": "lenet.ini", "resnet18": "resnet18.ini"}
MISSING = {"gpt_small": "embedding, layer_norm, attention", "gpt_medium": "embedding, layer_norm, attention",
           "seq2seq": "embedding, layer_norm, attention", "dcgan": "conv_transpose2d",
           "maskrcnn": "detection heads"}

# Ranks, and by how much the config's batch is multiplied.
LEMNOS_CONFIGURATIONS = [(1, 1), (2, 1), (2, 2)]
# Threads, ranks, and the OpenMP runtime's way to wait.
PEER_CONFIGURATIONS = [(1, 1, None), (2, 1, "passive"), (2, 1, None), (1, 2, None)]

# Parts of ours that PyTorch has only together.
HALVES = ("to data", "to weights")


class Failed(Exception):
    """A command ended with an error; the text is its last words."""


def run(command, environment=None, stdin=None):
    done = subprocess.run(command, text=True, capture_output=True, input=stdin, env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()
        raise Failed(f"{' '.join(map(str, command))}: {words[-1]}")
    return json.loads(done.stdout[done.stdout.index("{"):])


class Runner:
    def __init__(self, arguments):
        self.lemnos, self.python, self.seconds = arguments.lemnos, arguments.python, arguments.seconds

    def peer(self, *words, threads=1, wait=None, stdin=None):
        environment = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        if wait is not None:
            environment["OMP_WAIT_POLICY"] = wait
        return run([self.python, FOLDER / "torch_peer.py", *words, "--threads", str(threads)], environment, stdin)

    def train_peer(self, workload, threads, ranks, wait):
        return self.peer("train", workload, "--ranks", str(ranks), "--seconds", str(self.seconds), threads=threads, wait=wait)

    def train_lemnos(self, config, ranks, batch, steps):
        launcher = ["mpirun", "--bind-to", "core", "-n", str(ranks)] if ranks > 1 else []
        if launcher and os.geteuid() == 0:
            launcher.append("--allow-run-as-root")
        return run([*launcher, self.lemnos, "bench", config, f"run.batch={batch}", "--json", "--steps", str(steps)])


class Rates:
    """What one configuration reached, round by round."""

    def __init__(self, name):
        self.name, self.best, self.medians = name, [], []
        self.peak_bytes = 0  # of a process, the largest of all rounds
        self.exposed = []  # communication that a step waited for, as a share of it; ours alone

    def add(self, best, median):
        self.best.append(best)
        self.medians.append(median)

    def summary(self):
        return max(self.best), statistics.median(self.medians)


def default_batch(config):
    for line in config.read_text().splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "batch":
            return int(value.split(";")[0])
    raise Failed(f"{config} names no batch")


def compare_training(runner, workload, arguments):
    """{"lemnos": {configuration: rates}, "pytorch": ...}"""
    config = FOLDER / "configs" / WORKLOADS[workload]
    batch = default_batch(config)
    ours = LEMNOS_CONFIGURATIONS[:1] if arguments.equal_threads else LEMNOS_CONFIGURATIONS
    theirs = PEER_CONFIGURATIONS[:1] if arguments.equal_threads else PEER_CONFIGURATIONS
    rates = {"lemnos": {}, "pytorch": {}}
    steps = {}
    for number in range(arguments.rounds):
        for ranks, multiple in ours:
            key = (ranks, multiple)
            name = f"{ranks} rank{'s' if ranks > 1 else ''}, batch {batch * multiple}"
            found = runner.train_lemnos(config, ranks, batch * multiple, steps.get(key, 3))
            if number == 0:  # how many steps take the wanted time
                steps[key] = max(3, min(100000, int(arguments.seconds / found["step_seconds_median"])))
                found = runner.train_lemnos(config, ranks, batch * multiple, steps[key])
            ours_now = rates["lemnos"].setdefault(name, Rates(name))
            ours_now.add(found["samples_per_second_best"], found["samples_per_second_median"])
            ours_now.peak_bytes = max(ours_now.peak_bytes, found["memory_bytes"]["resident_peak"])
            ours_now.exposed.append(found["host_seconds"]["exposed_communication"] / found["step_seconds_median"])
        for threads, ranks, wait in theirs:
            name = f"{threads} thread{'s' if threads > 1 else ''}{', ' + wait if wait else ''}" if ranks == 1 else f"{ranks} ranks"
            found = runner.train_peer(workload, threads, ranks, wait)
            theirs_now = rates["pytorch"].setdefault(f"{name}, batch {found['batch']}", Rates(name))
            theirs_now.add(found["per_second_best"], found["per_second_median"])
            theirs_now.peak_bytes = max(theirs_now.peak_bytes, found["peak_bytes"])
        print(f"{workload}: round {number + 1} of {arguments.rounds}", file=sys.stderr)
    return rates


def strongest(side):
    best = max(rates.summary()[0] for rates in side.values())
    median = max(rates.summary()[1] for rates in side.values())
    return best, median


def report_training(workload, rates):
    print(f"\n{workload}: samples a second, MiB of a process, communication exposed\n"
          f"{'':34} {'best':>10} {'median':>10} {'MiB':>7} {'exposed':>8}")
    result = {"workload": workload, "lemnos": {}, "pytorch": {}}
    for side, configurations in rates.items():
        for name, found in configurations.items():
            best, median = found.summary()
            result[side][name] = {"best": best, "median": median, "peak_bytes": found.peak_bytes}
            shown = ""
            if found.exposed:
                result[side][name]["exposed"] = statistics.median(found.exposed)
                shown = f" {100 * result[side][name]['exposed']:7.1f}%"
            print(f"  {side:8} {name:23} {best:10.1f} {median:10.1f} {found.peak_bytes / 2**20:7.0f}{shown}")
    ours, theirs = strongest(rates["lemnos"]), strongest(rates["pytorch"])
    result["ratio_best"], result["ratio_median"] = ours[0] / theirs[0], ours[1] / theirs[1]
    print(f"  {'ratio':8} {'the best of each side':23} {result['ratio_best']:10.3f} {result['ratio_median']:10.3f}", flush=True)
    return result


def join_halves(parts):
    """Our backward pass as one part, for layers of which PyTorch has only the whole."""
    halves = [part for part in parts if part["part"] in HALVES]
    others = [part for part in parts if part["part"] not in HALVES]
    if halves:
        others.append({"part": "backward", **{key: sum(half[key] for half in halves)
                                              for key in ("seconds_best", "seconds_median")}})
    return others


def compare_kernels(runner, arguments):
    """{(case, part): (our rates, their rates)} in runs a second."""
    rates = {}
    only = ["--only", arguments.kernels] if arguments.kernels else []
    for number in range(arguments.rounds):
        ours = run([runner.lemnos, "bench", "kernels", "--json", "--rounds", "10", *only])
        theirs = runner.peer("kernels", stdin=json.dumps(ours))
        known = {case["name"]: case["parts"] for case in theirs["cases"]}
        for case in ours["cases"]:
            if case["name"] not in known:
                if number == 0:
                    print(f"{case['name']}: skipped: needs layer {case.get('skipped_needs_layer', case['layer'])}")
                continue
            parts = known[case["name"]]
            for part in join_halves(case["parts"]) if "backward" in parts else case["parts"]:
                if part["part"] in parts:
                    pair = rates.setdefault((case["name"], part["part"]), (Rates("lemnos"), Rates("pytorch")))
                    for side, found in zip(pair, (part, parts[part["part"]])):
                        side.add(1 / max(found["seconds_best"], 1e-9), 1 / max(found["seconds_median"], 1e-9))
        print(f"kernels: round {number + 1} of {arguments.rounds}", file=sys.stderr)
    return rates


def report_kernels(rates):
    print(f"\nkernels: milliseconds, one rank beside one thread\n{'':40} {'Lemnos':>10} {'':>10} {'PyTorch':>10} {'':>10} {'ratio':>8}")
    print(f"{'':40}" + f" {'best':>10} {'median':>10}" * 2 + f" {'best':>8} {'median':>8}")
    results = []
    for (case, part), pair in rates.items():
        (our_best, our_median), (their_best, their_median) = (side.summary() for side in pair)
        results.append({"case": case, "part": part, "lemnos_seconds": [1 / our_best, 1 / our_median],
                        "pytorch_seconds": [1 / their_best, 1 / their_median],
                        "ratio_best": our_best / their_best, "ratio_median": our_median / their_median})
        print(f"  {case:26} {part:11}" + "".join(f" {1e3 / rate:10.3f}" for rate in (our_best, our_median, their_best, their_median))
              + f" {our_best / their_best:8.3f} {our_median / their_median:8.3f}")
    return results


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lemnos", type=pathlib.Path, help="the program, BUILD/cli/lemnos")
    parser.add_argument("--workloads", default=",".join([*WORKLOADS, *MISSING]), help="separated by commas; none: no training")
    parser.add_argument("--kernels", default="", metavar="TEXT", help="only cases with this in their name; none: no kernels")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement of training")
    parser.add_argument("--equal-threads", action="store_true", help="training: one rank beside one thread, no more")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--python", default="/usr/bin/python3", help="one that has PyTorch and torchvision")
    arguments = parser.parse_args()
    arguments.lemnos = arguments.lemnos.resolve()
    wanted = [] if arguments.workloads == "none" else arguments.workloads.split(",")
    for workload in wanted:
        if workload not in WORKLOADS and workload not in MISSING:
            parser.error(f"there is no workload {workload}; there are {', '.join([*WORKLOADS, *MISSING])}")
    arguments.workloads = wanted
    return arguments


def main():
    arguments = parse()
    runner = Runner(arguments)
    results = {"rounds": arguments.rounds, "equal_threads": arguments.equal_threads, "training": [], "kernels": []}
    try:
        for workload in arguments.workloads:
            if workload in MISSING:
                print(f"\n{workload}: skipped: needs layer {MISSING[workload]}")
            else:
                results["training"].append(report_training(workload, compare_training(runner, workload, arguments)))
        if arguments.kernels != "none":
            results["kernels"] = report_kernels(compare_kernels(runner, arguments))
    except Failed as failure:
        sys.exit(f"compare.py: {failure}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
