"""What the system tests share: running lemnos on some ranks in a folder of their own, and reading what a run left."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# A small network over drawn digits: convolution, batch norm, pooling, dropout, linear, so that every kind of sum is there.
CONFIG = """
[run]
name = small
epochs = 2
batch = 48
shards = 6
log_every = 1
seed = 3

[data]
source = digits
train = 480
test = 100

[optimizer]
type = adamw
learning_rate = 2e-3
weight_decay = 0.01
clip_norm = 1

[schedule]
type = cosine
warmup = 3

[checkpoint]
every = 3
keep = 2

[evaluation]
every = 5

[layer conv1]
type = conv2d
channels = 6
kernel = 5
stride = 2

[layer norm1]
type = batch_norm

[layer relu1]
type = relu

[layer pool1]
type = max_pool2d
kernel = 2

[layer flat]
type = flatten

[layer drop]
type = dropout
p = 0.2

[layer fc]
type = linear
features = 10
"""


def environment():
    env = dict(os.environ)
    env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1")
    return env


class Place:
    """A temporary folder with the small config in it; removed at the end."""

    def __init__(self, binary, config=CONFIG):
        self.binary = str(pathlib.Path(binary).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lemnos-system-"))
        (self.folder / "small.ini").write_text(config)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, ranks, arguments):
        return ["mpirun", "-n", str(ranks), self.binary, *arguments]

    def start(self, ranks, *arguments, **options):
        return subprocess.Popen(self.command(ranks, arguments), cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True, **options)

    def run(self, ranks, *arguments, expect=0, timeout=240):
        done = subprocess.run(self.command(ranks, arguments), cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if done.returncode != expect:
            raise AssertionError(f"{arguments} on {ranks} ranks: exit {done.returncode}, not {expect}:\n{done.stdout}")
        return done.stdout

    def lone(self, *arguments, expect=0, timeout=240):
        """Without mpirun."""
        done = subprocess.run([self.binary, *arguments], cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if done.returncode != expect:
            raise AssertionError(f"{arguments}: exit {done.returncode}, not {expect}:\n{done.stdout}")
        return done.stdout

    def metrics(self, name):
        """metrics.jsonl without what depends on the clock."""
        lines = []
        for line in (self.folder / "runs" / name / "metrics.jsonl").read_text().splitlines():
            entry = json.loads(line)
            entry.pop("samples_per_second", None)
            lines.append(entry)
        return lines

    def digest(self, name):
        return self.lone("show", f"runs/{name}", "--digest").strip()


def kill_group(process):
    """SIGKILL to mpirun and all its ranks at once; they stand in a session of their own."""
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(path.read_text().rpartition(")")[2].split()[3])
            if session == process.pid:
                os.kill(int(path.parent.name), signal.SIGKILL)
        except (OSError, ValueError):
            pass  # it has ended
    process.communicate()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("what was waited for did not happen")


def main(tests):
    """Runs the functions of `tests` with the binary named on the command line."""
    failed = 0
    for test in tests:
        begin = time.monotonic()
        try:
            test(sys.argv[1])
            print(f"ok   {test.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"FAIL {test.__name__}: {error}", flush=True)
    sys.exit(1 if failed else 0)
