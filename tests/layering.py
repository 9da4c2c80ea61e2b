#!/usr/bin/env python3
"""Reads every #include and fails on an arrow that runs upward: who may include whom is the table below."""
import pathlib
import re
import sys

COMPUTE = ["base", "shaders", "shaders/lib", "compute/graph"]
MAY_INCLUDE = {  # a folder's files may include their own folder and these
    "base": [],
    "configs": ["base"],
    "cluster": ["base"],
    "checkpoints": ["base"],
    "data": ["base", "configs", "checkpoints"],
    "shaders": ["lib"],  # paths in GLSL begin in shaders/
    "compute/graph": ["base", "shaders"],
    "compute/kernels": COMPUTE,
    "compute/layers": COMPUTE + ["compute/kernels"],
    "compute": COMPUTE + ["compute/kernels"],
    "compute/vulkan/cpu_driver": ["base"],
    "compute/vulkan": COMPUTE + ["compute", "compute/vulkan/cpu_driver"],
    "compute/null": COMPUTE + ["compute"],
    "models": ["base", "configs", "compute/graph"],
    "train": COMPUTE + ["configs", "cluster", "checkpoints", "data", "compute", "compute/kernels", "models"],
    "bench": COMPUTE + ["configs", "cluster", "data", "compute", "compute/kernels", "models", "train"],
    "cli": COMPUTE + ["configs", "cluster", "checkpoints", "data", "compute", "compute/kernels", "models", "train", "bench"],
}
ONLY_IN = {  # a library's header: the folder that wraps it
    "vulkan/vulkan.h": "compute/vulkan",
    "mpi.h": "cluster",
    "hdf5.h": "checkpoints",
    "openssl/": "base",
    "zlib.h": "data",
}
# compute/engine.c alone knows both engines.
EXCEPTIONS = {("compute", "compute/vulkan"), ("compute", "compute/null")}


def check(root):
    errors = []
    files = [p for folder in ("base", "configs", "cluster", "checkpoints", "data", "shaders", "compute", "models", "train",
                              "bench", "cli") for p in (root / folder).rglob("*") if p.suffix in (".c", ".h")]
    for path in files:
        name = path.relative_to(root).as_posix()
        folder = path.parent.relative_to(root).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            included = match[2]
            for header, owner in ONLY_IN.items():
                if match[1] == "<" and included.startswith(header) and folder != owner:
                    errors.append(f"{name}:{number}: only {owner}/ may include <{included}>")
            target = included.rpartition("/")[0]
            if match[1] == "<" or target in ("", folder):
                continue  # the build's own version.h, or a neighbour
            if target not in MAY_INCLUDE.get(folder, []) and (folder, target) not in EXCEPTIONS:
                errors.append(f"{name}:{number}: {folder}/ must not include {included}")
            if "_private" in included and folder != target and not folder.startswith(target + "/"):
                errors.append(f"{name}:{number}: {included} is private to {target}/")
    return errors, len(files)


def main():
    root = pathlib.Path(sys.argv[1])
    errors, count = check(root)
    print("\n".join(errors) or f"{count} files, no arrow runs upward")
    return 1 if errors or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
