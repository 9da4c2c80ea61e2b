"""Writes compiled shaders as one C table sorted by name: embed.py TABLE OUTPUT.c SHADER.spv ...

NAME_cpu is left out where it is the same as NAME.
"""

import pathlib
import struct
import sys


def main():
    table, output, *paths = sys.argv[1:]
    lines = ['#include "compute/kernel_table.h"', f"extern const struct kernel_code {table}[];"]
    lines += [f"extern const size_t {table}_count;", ""]
    entries = []
    codes = {path.stem: path.read_bytes() for path in map(pathlib.Path, paths)}
    for name, code in sorted(codes.items()):
        if name.endswith("_cpu") and code == codes.get(name.removesuffix("_cpu")):
            continue
        words = struct.unpack(f"={len(code) // 4}I", code)
        lines.append(f"static const uint32_t code_{name}[] = {{")
        for first in range(0, len(words), 16):
            lines.append(",".join(map(str, words[first : first + 16])) + ",")
        lines.append("};")
        entries.append(f'    {{"{name}", code_{name}, {len(words)}}},')
    # The last entry is not counted: C has no empty arrays.
    lines += [f"const struct kernel_code {table}[] = {{", *entries, "    {0},", "};"]
    lines += [f"const size_t {table}_count = {len(entries)};", ""]
    pathlib.Path(output).write_text("\n".join(lines))


main()
