#!/usr/bin/env python3
"""The same losses and the same weights, bit for bit, on any number of ranks and however the batch is worked off."""
import harness


def run_all(binary, variants, *extra):
    with harness.Place(binary) as place:
        results = []
        for index, (ranks, overrides) in enumerate(variants):
            name = f"run{index}"
            place.run(ranks, "train", "small.ini", f"run.name={name}", *overrides, *extra)
            results.append((place.metrics(name), place.digest(name)))
        first = results[0]
        assert len(first[0]) >= 20, f"too few lines: {len(first[0])}"
        assert first[0][0]["loss"] > first[0][-3]["loss"], "the loss does not fall"
        for (ranks, overrides), result in zip(variants, results):
            assert result[0] == first[0], f"other losses with {ranks} ranks {overrides}"
            assert result[1] == first[1], f"other weights with {ranks} ranks {overrides}"
        return first


def ranks_do_not_matter(binary):
    run_all(binary, [(ranks, []) for ranks in (1, 2, 3, 4)])


def accumulation_gives_the_big_batch(binary):
    run_all(binary, [(1, []), (1, ["run.accumulate=2"]), (1, ["run.accumulate=6"]), (2, ["run.accumulate=3"])])


def whole_batch_statistics_do_not_depend_on_ranks(binary):
    run_all(binary, [(ranks, []) for ranks in (1, 2, 3)], "layer norm1.statistics=global")


def sgd_with_momentum_too(binary):
    run_all(binary, [(1, []), (3, [])], "optimizer.type=sgd", "optimizer.momentum=0.9", "optimizer.nesterov=yes",
            "optimizer.learning_rate=0.02", "cluster.bucket_megabytes=0.004")


def frozen_parameters_do_not_count_in_the_norm(binary):
    """The squared norm splits into that of the convolution's gradients and that of the others, on any number of ranks."""
    with harness.Place(binary) as place:
        def squared_norm(name, ranks):
            place.run(ranks, "train", f"{name}.ini", f"run.name={name}{ranks}", "run.steps=1")
            return place.metrics(f"{name}{ranks}")[0]["gradient_norm"] ** 2

        groups = {"whole": "", "others": "conv1*", "conv": "[!c]*"}
        for name, pattern in groups.items():
            group = f"[group g]\nparameters = {pattern}\nlearning_rate_scale = 0\n" if pattern else ""
            (place.folder / f"{name}.ini").write_text(harness.CONFIG + group)
        found = {ranks: {name: squared_norm(name, ranks) for name in groups} for ranks in (1, 3)}
        assert found[1] == found[3], found
        norms = found[1]
        assert norms["conv"] > 0 and norms["others"] > 0, norms
        assert abs(norms["conv"] + norms["others"] - norms["whole"]) < 1e-6 * norms["whole"], norms


def another_seed_gives_other_bits(binary):
    with harness.Place(binary) as place:
        place.run(1, "train", "small.ini", "run.name=a", "run.steps=3")
        place.run(1, "train", "small.ini", "run.name=b", "run.steps=3", "run.seed=4")
        assert place.digest("a") != place.digest("b"), "the seed changes nothing"


def allreduce_agrees_within_rounding(binary):
    with harness.Place(binary) as place:
        place.run(2, "train", "small.ini", "run.name=tree", "run.steps=5")
        place.run(2, "train", "small.ini", "run.name=all", "run.steps=5", "cluster.reduce=allreduce")
        for a, b in zip(place.metrics("tree"), place.metrics("all")):
            assert abs(a.get("loss", 0) - b.get("loss", 0)) < 1e-4, f"{a} and {b}"


if __name__ == "__main__":
    harness.main([ranks_do_not_matter, accumulation_gives_the_big_batch, whole_batch_statistics_do_not_depend_on_ranks,
                  sgd_with_momentum_too,
                  frozen_parameters_do_not_count_in_the_norm, another_seed_gives_other_bits, allreduce_agrees_within_rounding])
