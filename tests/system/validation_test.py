#!/usr/bin/env python3
"""Training, evaluation and saves under the Vulkan validation layers with synchronization validation: any message fails."""
import harness


def nothing_is_said(binary, *extra):
    with harness.Place(binary) as place:
        output = place.run(2, "train", "small.ini", "run.steps=6", "device.validation=yes", *extra)
        assert "VUID" not in output and "SYNC-HAZARD" not in output, output
        assert len(place.metrics("small")) >= 6


def training_is_clean(binary):
    nothing_is_said(binary)


def host_steps_and_rounds_are_clean(binary):
    nothing_is_said(binary, "layer norm1.statistics=global")
    nothing_is_said(binary, "run.accumulate=3")


def kernels_of_gpus_are_clean(binary):
    nothing_is_said(binary, "device.class=gpu")


if __name__ == "__main__":
    harness.main([training_is_clean, host_steps_and_rounds_are_clean, kernels_of_gpus_are_clean])
