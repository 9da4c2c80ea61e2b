#!/usr/bin/env python3
"""The program as its users meet it: what it prints, its exit codes, and what it leaves on disk when it refuses.

usage: cli_test.py LEMNOS SOURCE_ROOT [unittest arguments]
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

LEMNOS, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()

LINE = """[run]
name = small
batch = 4
steps = 20
[data]
source = line
[layer line]
type = linear
features = 1
[optimizer]
learning_rate = 0.01
[evaluation]
every = 20
[checkpoint]
every = 10
"""


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.write("line.ini", LINE)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def command(self, *arguments, ranks=0):
        launcher = ["mpirun", "-n", str(ranks)] if ranks else []
        return launcher + [str(LEMNOS), *map(str, arguments)]

    def run_lemnos(self, *arguments, ranks=0, environment=None):
        return subprocess.run(self.command(*arguments, ranks=ranks), cwd=self.folder, text=True, capture_output=True,
                              timeout=120, env={**os.environ, **(environment or {})})

    def passes(self, *arguments, **keywords):
        done = self.run_lemnos(*arguments, **keywords)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def fails(self, code, *arguments, message, **keywords):
        """Fails with this exit code and message, says so once, and prints no result."""
        done = self.run_lemnos(*arguments, **keywords)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(message, done.stderr)
        self.assertEqual(done.stderr.count("error:"), 1, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def refuses(self, *arguments, message, **keywords):
        """Wrong input: exit code 2, and nothing is written."""
        before = sorted(self.folder.rglob("*"))
        error = self.fails(2, *arguments, message=message, **keywords)
        self.assertEqual(sorted(self.folder.rglob("*")), before)
        return error


class Usage(Case):
    def test_version(self):
        self.assertRegex(self.passes("--version"), r"^lemnos \d+\.\d+\.\d+\n$")

    def test_overview_names_every_command(self):
        text = self.passes()
        self.assertEqual(text, self.passes("help"))
        for command in ("train", "eval", "predict", "show", "explain", "bench", "devices", "selftest", "help"):
            self.assertRegex(text, rf"\n  {command} ")
            self.assertIn(f"usage: lemnos {command}", self.passes("help", command))
            self.assertEqual(self.passes("help", command), self.passes(command, "--help"))

    def test_debug_tells_what_a_start_takes(self):
        loud = self.run_lemnos("train", "line.ini", environment={"LEMNOS_LOG": "debug"})
        self.assertEqual(loud.returncode, 0, loud.stderr)
        self.assertRegex(loud.stderr, r"debug: \d+ kernels: ")
        self.assertRegex(loud.stderr, r"debug: the first step begins \d+\.\d\d s after the start")
        self.assertNotIn("debug", self.run_lemnos("train", "line.ini").stderr)
        self.assertEqual(self.run_lemnos("train", "line.ini", environment={"LEMNOS_LOG": "warning"}).stderr, "")

    def test_help_prints_the_tables(self):
        text = self.passes("help", "config")
        for word in ("run", "data", "layer NAME", "optimizer", "digits", "softmax_cross_entropy"):
            self.assertIn(word, text)
        self.assertEqual(text.count("Architectures of"), 1)
        self.assertIn("learning_rate", self.passes("help", "config", "optimizer"))
        self.assertIn("test_fraction", self.passes("help", "config", "data"))
        self.assertIn("test_fraction", self.passes("help", "config", "data", "csv"))
        self.assertNotIn("test_fraction", self.passes("help", "config", "data", "idx"))
        self.assertIn("channels", self.passes("help", "config", "layer", "conv2d"))
        self.assertIn("stem", self.passes("help", "config", "model", "resnet18"))
        self.assertIn("architecture", self.passes("help", "config", "model"))
        self.assertIn("learning_rate_scale", self.passes("help", "config", "group"))

    def test_wrong_words_get_the_nearest(self):
        self.refuses("trian", message="there is no command trian (did you mean train?)")
        self.refuses("eval", "line.ini", "--splitt", "test", message="no --splitt (did you mean --split?)")
        self.refuses("help", "config", "optimiser", message="did you mean optimizer?")
        self.refuses("help", "config", "layer", "conv2", message="did you mean conv2d?")
        self.refuses("help", "config", "model", "resnet19", message="did you mean resnet")

    def test_wrong_arguments(self):
        self.refuses("train", message="which config?")
        self.refuses("eval", message="something is missing")
        self.refuses("train", "line.ini", "other.ini", message='"other.ini" is one argument too many')
        self.refuses("train", "line.ini", "steps=3", message="names the section too")
        self.refuses("eval", "line.ini", "--split", message="--split needs a value: --split test|train")
        self.refuses("eval", "line.ini", "--split", "best", message="one of train, test is wanted")
        self.refuses("predict", "line.ini", "--index", "two", message="a whole number is wanted (0 to 4)")
        self.refuses("predict", "line.ini", "--json=yes", message="--json takes no value")
        self.refuses("show", "line.ini", "-d", message="has no -d")
        self.refuses("eval", "line.ini", "--split", "test", "--split=train", message="--split is given twice")
        self.refuses("show", "line.ini", "--digest", "--data", message="give one of them")
        self.refuses("devices", "run.steps=3", message="takes no section.key=value")
        self.refuses("bench", "line.ini", "--only", "add", message="--only is not for lemnos bench CONFIG")
        self.refuses("bench", "kernels", "--steps", "3", message="--steps is not for lemnos bench kernels")
        self.refuses("bench", "kernels", "run.steps=3", message="reads no config")
        self.refuses("bench", "kernels", message="start it without mpirun", ranks=2)
        self.refuses("bench", message="what is to be measured?")
        self.refuses("bench", "--tune", "line.ini", message="leave line.ini out")
        self.refuses("bench", "--tune", "--only", "add", message="--only is not for lemnos bench --tune")


class Bench(Case):
    def test_kernels(self):
        table = self.passes("bench", "kernels", "--tiny", "--rounds", "1", "--only", "relu")
        self.assertRegex(table, r"\nrelu +forward +1 ")
        self.assertNotIn("conv2d", table)
        cases = json.loads(self.passes("bench", "kernels", "--tiny", "--rounds", "1", "--only", "relu", "--json"))["cases"]
        self.assertEqual([part["part"] for part in cases[0]["parts"]], ["forward", "to data"])

    def test_tuning_is_kept(self):
        cache = {"XDG_CACHE_HOME": str(self.folder / "cache"), "MESA_SHADER_CACHE_DIR": str(self.folder / "mesa")}
        before = self.passes("devices", environment=cache)
        self.assertRegex(before, r"tuned +no; lemnos bench --tune --device 0 would write ")
        table = self.passes("bench", "--tune", "--device", "0", "--tiny", "--rounds", "1", environment=cache)
        files = list((self.folder / "cache" / "lemnos").iterdir())
        self.assertEqual(len(files), 1)
        kept = json.loads(files[0].read_text())["tuning"]
        self.assertGreaterEqual(len(kept), 3)
        self.assertEqual(table.count("  chosen\n"), len(kept))
        self.assertNotIn("other bits", table)
        self.assertIn(str(files[0]), table)
        self.assertRegex(self.passes("devices", environment=cache), rf"tuned +yes, in {re.escape(str(files[0]))}")
        self.assertIn("LEMNOS_TUNING=off", self.passes("devices", environment={**cache, "LEMNOS_TUNING": "off"}))
        self.passes("bench", "line.ini", "--steps", "1", environment=cache)
        files[0].write_text("{")
        self.assertRegex(self.passes("devices", environment=cache), r"tuned +no, .* is ignored: it is not JSON")
        done = self.run_lemnos("bench", "line.ini", "--steps", "1", environment=cache)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is ignored: it is not JSON", done.stderr)

    def test_training_leaves_nothing_behind(self):
        for ranks in (0, 2):
            found = json.loads(self.passes("bench", "line.ini", "--steps", "2", "--json", ranks=ranks))
            self.assertEqual((found["ranks"], found["steps"], found["batch"]), (max(ranks, 1), 2, 4))
            self.assertIn("samples a second", self.passes("bench", "line.ini", "--steps", "2", ranks=ranks))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["line.ini"])

    def test_configs_of_comparisons(self):
        configs = sorted((ROOT / "bench" / "configs").glob("*.ini"))
        self.assertGreaterEqual(len(configs), 3)
        for config in configs:
            self.assertIn("FLOPs", self.passes("explain", config))


class Configs(Case):
    def test_every_problem_is_told_with_its_line(self):
        self.write("wrong.ini", "[run]\nepoch = 3\nbatch = many\nseed = -1\n[dat]\n[data]\nsource = line\n"
                   "[layer a]\ntype = liner\nfeatures = 3\n")
        error = self.refuses("train", "wrong.ini", message='wrong.ini:2: [run] has no key "epoch"; did you mean "epochs"?')
        self.assertIn("wrong.ini:3: [run] batch = many: a whole number is wanted", error)
        self.assertIn("wrong.ini:4: [run] seed = -1: a whole number is wanted (0 to", error)
        self.assertIn("wrong.ini:5: there is no section [dat]; did you mean [data]?", error)
        self.assertIn('wrong.ini:9: [layer a] type: there is no layer type "liner"; did you mean "linear"?', error)
        self.assertEqual(len(re.findall(r"wrong.ini:\d+: ", error)), 5, error)

    def test_an_override_that_asks_for_more_is_named(self):
        self.refuses("train", "line.ini", "data.source=csv",
                     message='line.ini:5: [data] needs the key "target": the column to predict; the command line sets source = csv')

    def test_an_unknown_source_is_one_problem(self):
        error = self.refuses("train", "line.ini", "data.source=lines", message="source = lines: one of digits, ")
        self.assertEqual(error.count("\n"), 1, error)

    def test_the_command_line_is_named(self):
        self.refuses("train", "line.ini", "run.batch=0", message="command line: [run] batch = 0: a whole number is wanted")

    def test_missing_files(self):
        self.refuses("train", "nowhere.ini", message="there is no file nowhere.ini")
        self.refuses("eval", "runs/nowhere", message="there is no checkpoint and no run runs/nowhere")
        self.refuses("train", "--resume", "nowhere.h5", message="there is no checkpoint and no run nowhere.h5")
        self.write("idx.ini", LINE.replace("source = line", "source = idx\npath = images"))
        self.refuses("train", "idx.ini", message="idx.ini:7: [data] path: there is no images/train-images-idx3-ubyte")
        self.refuses("train", "idx.ini", "data.path=elsewhere", message="command line: [data] path: there is no elsewhere/")
        self.refuses("train", "idx.ini", "data.path=", message="command line: [data] path is empty, the folder")
        self.write("csv.ini", LINE.replace("source = line", "source = csv\npath = x.csv\ntarget = y"))
        self.refuses("train", "csv.ini", message="csv.ini:7: [data] path: there is no file x.csv: paths begin at")
        self.write("x.csv", "a,b\n1,2\n")
        self.refuses("train", "csv.ini", message="csv.ini:7: [data] path: x.csv has no column \"y\"")
        self.refuses("train", "csv.ini", "data.target=b", "data.features=b",
                     message="command line: [data] features: \"b\" is the target")

    def test_a_file_that_is_nothing_of_the_kind(self):
        for name, content in (("words.h5", b"a letter\n"), ("empty.h5", b""), ("picture", b"\x89PNG\r\n\0\0" + bytes(1000)),
                              ("other.h5", b"\x89HDF\r\n\x1a\n" + bytes(1000))):
            (self.folder / name).write_bytes(content)
            for command in ("show", "eval", "predict"):
                self.refuses(command, name, message=name)
            self.refuses("train", "--resume", name, message=name)

    def test_a_whole_number_is_taken_exactly_or_not_at_all(self):
        self.refuses("train", "line.ini", f"run.seed={2**53 + 1}", message=f"a whole number is wanted (0 to {2**53})")

    def test_a_batch_larger_than_the_data(self):
        self.refuses("train", "line.ini", "run.batch=6", message="command line: [run] batch: 6 samples are more than the training part has; at most 5")

    def test_shards_that_do_not_divide_the_batch(self):
        self.refuses("train", "line.ini", "run.shards=3", message="does not divide batch = 4")

    def test_shapes_that_do_not_fit(self):
        self.write("shape.ini", LINE.replace("[layer line]\ntype = linear\nfeatures = 1",
                                             "[layer pool]\ntype = max_pool2d\nkernel = 2"))
        self.refuses("train", "shape.ini", message="shape.ini:7: [layer pool] max_pool2d: needs an image")
        self.refuses("explain", "shape.ini", message="shape.ini:7: [layer pool]")
        error = self.refuses("train", "line.ini", "layer line.features=2", message="the prediction has shape 2")
        self.assertIn("the target has shape 1", error)
        self.assertIn("line.ini:7: [layer line] the default loss, mse: ", error)
        self.assertIn("; the command line sets [layer line] features = 2\n", error)

    def test_layers_without_effect_are_told(self):
        self.write("more.ini", LINE + "[layer side]\ntype = relu\ninput = features\n[layer loss]\ntype = mse\n"
                   "input = line\n[layer late]\ntype = relu\n")
        done = self.run_lemnos("train", "more.ini", ranks=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(re.findall("lemnos: warning: (.*)", done.stderr),
                         ["more.ini:16: [layer side] has no effect: its output does not go to a loss",
                          "more.ini:22: [layer late] has no effect: its output does not go to a loss, which stands above it"])

    def test_show_checks_keys_and_prints_what_results(self):
        self.write("more.ini", "include = line.ini\n[run]\nname = other\n")
        text = self.passes("show", "more.ini", "run.seed=7")
        self.assertIn("name = other", text)
        self.assertIn("seed = 7", text)
        self.write("shown.ini", text)
        self.assertEqual(self.passes("show", "shown.ini"), text)
        self.refuses("show", "more.ini", "run.sed=7", message='did you mean "seed"?')

    def test_those_that_come_with_the_program_are_right(self):
        for path in sorted((ROOT / "configs").glob("*.ini")):
            with self.subTest(path.name):
                self.passes("show", path)

    def test_show_draws_a_sample(self):
        text = self.passes("show", ROOT / "configs" / "digits.ini", "--data", "data.train=20", "data.test=10")
        self.assertIn("20 training, 10 test", text)
        self.assertIn("label: 0", text)
        self.assertGreater(text.count("@@"), 20)


class Parts(Case):
    """IDX files: which of them a command needs."""

    def setUp(self):
        super().setUp()
        self.write("idx.ini", LINE.replace("source = line", "source = idx\npath = all")
                   .replace("[layer line]", "[layer flat]\ntype = flatten\n[layer line]").replace("features = 1\n", ""))
        for folder in ("all", "train", "test", "none"):
            (self.folder / folder).mkdir()
        for part, count in (("train", 12), ("t10k", 5)):
            for folder in ("all", part.replace("t10k", "test")):
                (self.folder / folder / f"{part}-images-idx3-ubyte").write_bytes(
                    bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (count, 2, 2)) + bytes(range(4 * count)))
                (self.folder / folder / f"{part}-labels-idx1-ubyte").write_bytes(
                    bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + bytes(i % 3 for i in range(count)))

    def test_training_needs_no_test_files(self):
        done = self.run_lemnos("train", "idx.ini", "data.path=train")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the data have no test part, so nothing is evaluated", done.stderr)
        self.fails(2, "eval", "runs/small", message="the test part of the data is empty; --split train is the other one")
        self.passes("eval", "runs/small", "--split", "train")

    def test_evaluation_of_a_checkpoint_needs_no_training_files(self):
        self.passes("train", "idx.ini")
        for command in ("eval", "predict"):
            self.assertEqual(self.passes(command, "runs/small", "data.path=test"), self.passes(command, "runs/small"))
        self.fails(2, "eval", "runs/small", "--split", "train", "data.path=test", message="the train part of the data is empty")
        self.fails(2, "train", "--resume", "runs/small", "run.steps=30", "data.path=test",
                   message="command line: [data] path: there is no training part")
        self.assertIn("0 training, 5 test", self.passes("show", "runs/small", "--data", "data.path=test"))

    def test_what_is_missing_is_named(self):
        for arguments in (("train", "idx.ini"), ("eval", "idx.ini")):
            self.refuses(*arguments, "data.path=none", message="there is no none/train-images-idx3-ubyte")
            self.refuses(*arguments, "data.path=test", message="there is no test/train-images-idx3-ubyte")
        (self.folder / "all/t10k-labels-idx1-ubyte").unlink()
        self.refuses("train", "idx.ini", message="there is no all/t10k-labels-idx1-ubyte, plain or .gz")


class Explain(Case):
    def test_needs_no_device(self):
        nothing = {"VK_ICD_FILENAMES": "/nowhere.json", "VK_DRIVER_FILES": "/nowhere.json"}
        text = self.passes("explain", "line.ini", environment=nothing)
        self.assertRegex(text, r"\nline +linear +1 +2 ")
        self.assertRegex(text, r"trainable parameters +2\n")
        self.assertFalse((self.folder / "runs").exists())
        self.fails(1, "train", "line.ini", environment=nothing, message="Vulkan")

    def test_ranks_share_the_shards(self):
        self.assertIn("4 shards in 1 round", self.passes("explain", "line.ini"))
        self.assertIn("rank 2, with 2 shards", self.passes("explain", "line.ini", "--ranks", "3"))
        self.refuses("explain", "line.ini", "--ranks", "5", message="at most 4 ranks")


    def test_a_layer_that_is_too_large_is_named_with_what_to_lower(self):
        config = ROOT / "configs/digits.ini"
        error = self.refuses("explain", config, "layer hidden.features=16777216", message="[layer hidden] linear: outputs of")
        self.assertRegex(error, r"digits.ini:\d+: \[layer hidden\]")
        self.assertIn("set its features lower", error)
        self.assertIn("; the command line sets [layer hidden] features = ", error)

    def test_what_takes_most_memory_is_named(self):
        """A region of more than 2 GiB, which Mesa's driver for CPUs does not give in one piece."""
        error = self.fails(1, "train", ROOT / "configs/digits.ini", "run.batch=40000", "data.train=40000",
                           message="the region arena")
        self.assertRegex(error, r"; most is taken by layer conv1 \(conv2d\), \d+ MiB, .*: set run.batch lower or run.accumulate")
        layers = "".join(f"[layer wide{i}]\ntype = linear\nfeatures = 5000\n" for i in range(12))
        self.write("wide.ini", "[run]\nbatch = 4\n[data]\nsource = synthetic\nshape = 5000\n" + layers +
                   "[layer head]\ntype = linear\n[optimizer]\ntype = adam\n")
        error = self.fails(1, "train", "wide.ini", message="the region")
        self.assertRegex(error, r"; most is taken by layer wide\d+ \(linear\), \d+ MiB.*: set features of \[layer wide\d+\] lower\n")


class Run(Case):
    def train(self, *arguments, ranks=0):
        self.passes("train", "line.ini", *arguments, ranks=ranks)

    def digest(self, what="runs/small"):
        return self.passes("show", what, "--digest")

    def test_a_run_is_evaluated_predicted_and_shown(self):
        self.train()
        text = self.passes("eval", "runs/small")
        self.assertRegex(text, r"sample +actual +predicted +error\n +1 +100 ")
        for name in ("loss", "MAE", "RMSE", "R2"):
            self.assertRegex(text, rf"\n{name} +[-0-9.e]+\n")
        self.assertIn("after step 20", text)
        lines = [json.loads(line) for line in self.passes("predict", "runs/small", "--json").splitlines()]
        self.assertEqual([line["index"] for line in lines], [0, 1, 2, 3, 4])
        self.assertEqual([line["actual"] for line in lines], [[100], [200], [300], [400], [500]])
        only = self.passes("predict", "runs/small", "--json", "--index", "3", "--split", "train")
        self.assertEqual(json.loads(only), lines[3])
        self.assertEqual(len(self.passes("predict", "runs/small", "--samples", "2").splitlines()), 2)
        shown = self.passes("show", "runs/small")
        self.assertRegex(shown, r"\nmodel/line.weight +1 x 1 ")
        self.assertIn("source = line", shown)
        self.assertRegex(self.digest(), r"^[0-9a-f]{64}\n$")
        self.assertEqual(self.digest("runs/small/checkpoints/step-00000020.h5"), self.digest())

    def test_epochs_are_counted_from_one(self):
        done = self.run_lemnos("train", "line.ini", "run.log_every=1", "run.steps=3", "evaluation.initial=yes")
        printed = re.findall(r"step (\d)/3  epoch (\d)", done.stderr)
        self.assertEqual(printed, [("1", "1"), ("2", "2"), ("3", "3")])
        lines = [json.loads(line) for line in (self.folder / "runs/small/metrics.jsonl").read_text().splitlines()]
        self.assertEqual([(line["step"], line["epoch"]) for line in lines], [(0, 1), (1, 1), (2, 2), (3, 3), (3, 3)])
        self.assertIn("3 steps, in epoch 3", self.passes("show", "runs/small"))

    def test_r2_of_one_sample_is_undefined(self):
        self.train("data.test_limit=1")
        self.assertRegex(self.passes("eval", "runs/small"), r"\nR2 +undefined \(one sample\)\n")
        line = (self.folder / "runs/small/metrics.jsonl").read_text().splitlines()[-1]
        self.assertIsNone(json.loads(line)["test_r2"])

    def test_predictions_of_initial_weights_are_told_to_be(self):
        self.assertIn("the initial ones", self.run_lemnos("predict", "line.ini").stderr)
        self.train()
        self.assertEqual(self.run_lemnos("predict", "runs/small").stderr, "")

    def test_two_ranks_give_the_same(self):
        self.train()
        one, evaluated = self.digest(), self.passes("eval", "runs/small")
        self.assertEqual(self.passes("eval", "runs/small", ranks=2), evaluated)
        self.assertEqual(self.passes("predict", "runs/small", ranks=2), self.passes("predict", "runs/small"))
        self.train(ranks=2)
        self.assertEqual(self.digest(), one)

    def test_a_run_is_never_written_over(self):
        self.train()
        first = self.digest()
        self.train("run.seed=2")
        self.assertNotEqual(self.digest(), first)
        self.assertEqual(self.digest("runs/small.1"), first)

    def test_resume_gives_the_same_bits(self):
        self.train()
        whole = self.digest()
        self.train("run.steps=10", "run.name=half")
        self.train("run.name=half", "--resume", "auto")
        self.assertEqual(self.digest("runs/half"), whole)
        self.assertFalse((self.folder / "runs/half.1").exists(), "it began anew")

    def test_resume_takes_the_config_from_the_checkpoint(self):
        self.train("run.steps=10")
        self.passes("train", "--resume", "runs/small/checkpoints/step-00000010.h5", "run.steps=20")
        resumed = self.digest()
        self.assertFalse((self.folder / "runs/small.1").exists(), "it began anew")
        self.train()
        self.assertEqual(self.digest(), resumed)

    def test_a_checkpoint_of_another_model(self):
        self.train()
        self.write("wide.ini", LINE.replace("[optimizer]", "[layer more]\ntype = linear\nfeatures = 1\n[optimizer]"))
        error = self.fails(2, "train", "wide.ini", "--resume", "runs/small", message="the checkpoint is of another model")
        self.assertNotIn("cores", error)
        self.train("run.name=other")
        before = sorted(self.folder.rglob("*"))
        for arguments in (("wide.ini",), ("line.ini", "optimizer.type=adam")):
            self.fails(2, "train", *arguments, "run.name=other", "--resume", "runs/small", message="the checkpoint")
        self.assertEqual(sorted(self.folder.rglob("*")), before)
        self.refuses("train", "runs/small", message="runs/small is a folder; a config is wanted, or --resume runs/small")

    def test_a_damaged_checkpoint(self):
        self.train()
        newest = self.folder / "runs/small/checkpoints/step-00000020.h5"
        content = bytearray(newest.read_bytes())
        content[-1000] ^= 1
        newest.write_bytes(content)
        self.fails(1, "show", newest, message="step-00000020.h5")
        done = self.run_lemnos("eval", "runs/small")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("passing over runs/small/checkpoints/step-00000020.h5", done.stderr)
        self.assertIn("after step 10", done.stdout)

    def test_divergence_is_told(self):
        done = self.run_lemnos("train", "line.ini", "optimizer.learning_rate=1", "run.steps=1000")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("The learning rate was 1: a smaller optimizer.learning_rate", done.stderr)

    def test_a_signal_saves_and_ends_with_85(self):
        with subprocess.Popen(self.command("train", "line.ini", "run.steps=100000000", "checkpoint.every=100000000",
                                           "evaluation.every=100000000"),
                              cwd=self.folder, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            journal = self.folder / "runs/small/metrics.jsonl"
            end = time.monotonic() + 60
            while time.monotonic() < end and not (journal.exists() and journal.stat().st_size > 0):
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            _, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 85, error)
        self.assertIn("stopped by SIGTERM", error)
        step = int(re.search(r"after step (\d+)", error)[1])
        self.passes("train", "line.ini", f"run.steps={step + 3}", "--resume", "auto")
        self.assertIn(f"{step + 3} steps", self.passes("show", "runs/small"))


class Ranks(Case):
    def test_a_failure_of_all_ranks_is_told_once(self):
        self.refuses("train", "line.ini", "run.epoch=1", ranks=2, message='did you mean "epochs"?')

    def test_a_failure_of_one_rank_ends_the_job(self):
        command = self.command("train", "line.ini", "run.steps=100000000", ranks=1)
        command += [":", *self.command("train", "nowhere.ini", ranks=1)[1:]]
        done = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("lemnos: rank 1: error: there is no file nowhere.ini", done.stderr)

    def test_more_ranks_than_shards(self):
        self.refuses("train", "line.ini", "run.shards=1", ranks=2, message="set run.shards to a divisor of run.batch")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
