"""Writes the functions, in LLVM's own language, that vector_load.c and vector_store.c put into kernels:
functions.py OUTPUT.c SOURCE ...

What all SOURCEs, this one among them, make of kernels is one version: compiled kernels of another are not used.

By width N of a register, 8 or 16 lanes of 32 bits; what is a vector of lanes here is one register there.

    load<N>                 four floats a lane from base + offsets (bytes), as four vectors, one a component
    store<N>x4, store<N>x1  four numbers a lane, or one, to base + index (in numbers), in lanes with `mask` whose
                            index lies below `limit`. False, and nothing is done, where four numbers lie across it.

All do at once what lies side by side, loads by fours of lanes, and else lane by lane. They are inlined, but for what
stores do lane by lane.
"""

import hashlib
import pathlib
import sys

STRUCT = "{{ {0}, {0}, {0}, {0} }}"


class Function:
    """The text of a function of registers of n lanes."""

    def __init__(self, n):
        self.n = n
        self.vector = f"<{n} x i32>"
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    def constant(self, numbers):
        return "<" + ", ".join(f"i32 {number}" for number in numbers) + ">"

    def shuffle(self, name, a, b, mask, kind=None):
        kind = kind or self.vector
        mask = list(mask)
        self.say(f"%{name} = shufflevector {kind} %{a}, {kind} %{b}, <{len(mask)} x i32> {self.constant(mask)}")

    def splat(self, name, number, kind="i32"):
        vector = f"<{self.n} x {kind}>"
        self.say(f"%{name}.0 = insertelement {vector} undef, {kind} %{number}, i32 0")
        self.say(f"%{name} = shufflevector {vector} %{name}.0, {vector} undef, {self.vector} zeroinitializer")

    def all_of(self, name, bits):
        """Whether a vector of bits has all of them."""
        self.say(f"%{name}.bits = bitcast <{self.n} x i1> %{bits} to i{self.n}")
        self.say(f"%{name} = icmp eq i{self.n} %{name}.bits, -1")

    def side_by_side(self, name, offsets, step, lanes):
        """Which offsets are `step` apart from lane to lane, in parts of so many lanes; the first lanes'."""
        for first in range(0, self.n, lanes):
            self.say(f"%{name}.first{first // lanes} = extractelement {self.vector} %{offsets}, i32 {first}")
        self.shuffle(f"{name}.firsts", offsets, offsets, [lane // lanes * lanes for lane in range(self.n)])
        steps = self.constant(lane % lanes * step for lane in range(self.n))
        self.say(f"%{name}.wanted = add {self.vector} %{name}.firsts, {steps}")
        self.say(f"%{name} = icmp eq {self.vector} %{name}.wanted, %{offsets}")

    def text(self):
        return "\n".join(self.lines) + "\n"


# How far ahead of what is read memory is asked for, in bytes, for the hardware alone is late: the next turns' of a
# product, whose right operands lie in order, and the next turn's of its left one, which has fours of lanes in each row.
AHEAD = 2048
AHEAD_IN_ROW = 64


def load_parts(f, name, address):
    """16 bytes a lane, each from address(lane); then components from lanes, within each 128 bits of a register."""
    n = f.n
    for lane in range(n):
        address(lane)
        f.say(f"%{name}.p{lane} = bitcast i8* %{name}.a{lane} to <4 x i32>*")
        f.say(f"%{name}.l{lane} = load <4 x i32>, <4 x i32>* %{name}.p{lane}, align 16")
    for part in range(4):
        # Lanes part, part + 4 ...: their places in a register once components are apart.
        pairs = [f"{name}.l{lane}" for lane in range(part, n, 4)]
        kind = "<4 x i32>"
        width = 4
        while len(pairs) > 1:
            joined = []
            for i in range(0, len(pairs), 2):
                last = f"{name}.c{part}.{width}.{i}" if len(pairs) > 2 else f"{name}.c{part}"
                f.shuffle(last, pairs[i], pairs[i + 1], range(2 * width), kind)
                joined.append(last)
            pairs = joined
            width *= 2
            kind = f"<{width} x i32>"
    for half in range(2):
        for pair in range(2):
            mask = [i // 4 * 4 + half * 2 + i % 4 // 2 + i % 2 * n for i in range(n)]
            f.shuffle(f"{name}.u{pair}{half}", f"{name}.c{2 * pair}", f"{name}.c{2 * pair + 1}", mask)
    for component in range(4):
        half = component // 2
        mask = [i // 4 * 4 + component % 2 * 2 + i % 2 + i % 4 // 2 * n for i in range(n)]
        f.shuffle(f"{name}{component}", f"{name}.u0{half}", f"{name}.u1{half}", mask)


def load_whole(f, name, bases):
    """Registers of 16 lanes: each holds four lanes' at first; two steps take components from lanes."""
    for part in range(4):
        f.say(f"%{name}.p{part} = bitcast i8* %{bases}{part} to {f.vector}*")
        f.say(f"%{name}.l{part} = load {f.vector}, {f.vector}* %{name}.p{part}, align 16")
    for pair in range(2):
        for half in range(2):
            mask = [i % 8 * 4 + 2 * half + i // 8 for i in range(16)]
            f.shuffle(f"{name}.u{pair}{half}", f"{name}.l{2 * pair}", f"{name}.l{2 * pair + 1}", mask)
    for component in range(4):
        half = component // 2
        mask = [i // 8 * 16 + component % 2 * 8 + i % 8 for i in range(16)]
        f.shuffle(f"{name}{component}", f"{name}.u0{half}", f"{name}.u1{half}", mask)


def load(n):
    f = Function(n)
    result = STRUCT.format(f.vector)
    f.say("declare void @llvm.prefetch.p0i8(i8*, i32, i32, i32)")
    f.say(f"define {result} @lemnos.load{n}(i8* %base, {f.vector} %offsets) alwaysinline {{")
    f.side_by_side("near.lanes", "offsets", 16, 4)
    f.all_of("is.near", "near.lanes")
    f.say("br i1 %is.near, label %near, label %far")

    f.say("near:")
    f.say("%apart = sub i32 %near.lanes.first1, %near.lanes.first0")
    f.say("%is.whole = icmp eq i32 %apart, 64")
    f.say(f"%ahead = select i1 %is.whole, i64 {AHEAD}, i64 {AHEAD_IN_ROW}")
    for part in range(n // 4):
        f.say(f"%near.offset{part} = sext i32 %near.lanes.first{part} to i64")
        f.say(f"%near.base{part} = getelementptr i8, i8* %base, i64 %near.offset{part}")
        f.say(f"%ahead{part} = getelementptr i8, i8* %near.base{part}, i64 %ahead")
        f.say(f"call void @llvm.prefetch.p0i8(i8* %ahead{part}, i32 0, i32 3, i32 1)")
    if n == 16:
        load_whole(f, "near", "near.base")
    else:
        load_parts(f, "near",
                   lambda lane: f.say(f"%near.a{lane} = getelementptr i8, i8* %near.base{lane // 4}, "
                                      f"i64 {16 * (lane % 4)}"))
    f.say("br label %end")

    def address(lane):
        f.say(f"%far.i{lane} = extractelement {f.vector} %offsets, i32 {lane}")
        f.say(f"%far.o{lane} = sext i32 %far.i{lane} to i64")
        f.say(f"%far.a{lane} = getelementptr i8, i8* %base, i64 %far.o{lane}")

    f.say("far:")
    load_parts(f, "far", address)
    f.say("br label %end")

    f.say("end:")
    for i in range(4):
        f.say(f"%made{i} = phi {f.vector} [ %near{i}, %near ], [ %far{i}, %far ]")
    for i in range(4):
        before = f"%result{i - 1}" if i > 0 else "undef"
        f.say(f"%result{i} = insertvalue {result} {before}, {f.vector} %made{i}, {i}")
    f.say(f"ret {result} %result3")
    f.say("}")
    return f.text()


def lanes_in_order(f, components):
    """From components to what lies side by side in memory: registers line0, line1 ..."""
    n = f.n
    if components == 1:
        return
    half_vector = f"<{n // 2} x i64>"
    for half in range(2):
        for pair, (a, b) in enumerate((("v0", "v1"), ("v2", "v3"))):
            f.shuffle(f"u{pair}{half}", a, b, [half * n // 2 + i // 2 + i % 2 * n for i in range(n)])
            f.say(f"%pairs{pair}{half} = bitcast {f.vector} %u{pair}{half} to {half_vector}")
    for line in range(4):
        half, quarter = divmod(line, 2)
        mask = [quarter * n // 4 + i // 2 + i % 2 * (n // 2) for i in range(n // 2)]
        f.shuffle(f"fours{line}", f"pairs0{half}", f"pairs1{half}", mask, half_vector)
        f.say(f"%line{line} = bitcast {half_vector} %fours{line} to {f.vector}")


def scatter(f, components, parameters):
    """Lane by lane; lanes that do not write do so to a place of their own: no branches."""
    n = f.n
    bits = f"<{n} x i1>"
    longs = f"<{n} x i64>"
    f.say(f"define internal i1 @lemnos.scatter{n}x{components}({parameters}) noinline {{")
    f.splat("limits", "limit")
    f.say(f"%ends = add {f.vector} %index, {f.constant([components - 1] * n)}")
    f.say(f"%inside = icmp ult {f.vector} %ends, %limits")
    f.say(f"%begins = icmp ult {f.vector} %index, %limits")
    f.say(f"%across = xor {bits} %inside, %begins")
    f.say(f"%some.across = and {bits} %across, %mask")
    f.say(f"%none.across = xor {bits} %some.across, <" + ", ".join(["i1 -1"] * n) + ">")
    f.say("%nowhere = alloca <4 x i32>, align 16")
    f.all_of("can", "none.across")
    f.say("br i1 %can, label %write, label %leave")
    f.say("leave:")
    f.say("ret i1 false")
    f.say("write:")
    f.say(f"%writes = and {bits} %mask, %inside")
    f.say("%base.number = ptrtoint i32* %base to i64")
    f.splat("bases", "base.number", "i64")
    f.say("%nowhere.number = ptrtoint <4 x i32>* %nowhere to i64")
    f.splat("nowheres", "nowhere.number", "i64")
    f.say(f"%wide = zext {f.vector} %index to {longs}")
    f.say(f"%bytes = shl {longs} %wide, <" + ", ".join(["i64 2"] * n) + ">")
    f.say(f"%places = add {longs} %bases, %bytes")
    f.say(f"%targets = select {bits} %writes, {longs} %places, {longs} %nowheres")
    lanes_in_order(f, components)
    for lane in range(n):
        f.say(f"%target{lane} = extractelement {longs} %targets, i32 {lane}")
        if components == 1:
            kind = "i32"
            f.say(f"%value{lane} = extractelement {f.vector} %v0, i32 {lane}")
        else:
            kind = "<4 x i32>"
            line, part = divmod(lane, n // 4)
            f.shuffle(f"value{lane}", f"line{line}", f"line{line}", range(4 * part, 4 * part + 4))
        f.say(f"%pointer{lane} = inttoptr i64 %target{lane} to {kind}*")
        f.say(f"store {kind} %value{lane}, {kind}* %pointer{lane}, align 4")
    f.say("ret i1 true")
    f.say("}")


def store(n, components):
    f = Function(n)
    values = ", ".join(f"{f.vector} %v{i}" for i in range(components))
    parameters = f"i32* %base, i32 %limit, <{n} x i1> %mask, {f.vector} %index, {values}"
    scatter(f, components, parameters)
    f.say(f"define i1 @lemnos.store{n}x{components}({parameters}) alwaysinline {{")
    f.side_by_side("in.order", "index", components, n)
    f.say(f"%good = and <{n} x i1> %in.order, %mask")
    f.all_of("all.good", "good")
    f.say(f"%last = add i32 %in.order.first0, {components * n - 1}")
    f.say("%is.inside = icmp ult i32 %last, %limit")
    f.say("%is.near = and i1 %all.good, %is.inside")
    f.say("br i1 %is.near, label %near, label %far")
    f.say("near:")
    lanes_in_order(f, components)
    f.say("%begin = getelementptr i32, i32* %base, i32 %in.order.first0")
    for line in range(components):
        value = f"line{line}" if components > 1 else "v0"
        f.say(f"%a{line} = getelementptr i32, i32* %begin, i64 {line * n}")
        f.say(f"%p{line} = bitcast i32* %a{line} to {f.vector}*")
        f.say(f"store {f.vector} %{value}, {f.vector}* %p{line}, align 4")
    f.say("ret i1 true")
    f.say("far:")
    f.say(f"%done = call i1 @lemnos.scatter{n}x{components}({parameters})")
    f.say("ret i1 %done")
    f.say("}")
    return f.text()


def main():
    functions = {}
    for n in (8, 16):
        functions[f"lemnos.load{n}"] = load(n)
        for components in (1, 4):
            functions[f"lemnos.store{n}x{components}"] = store(n, components)
    version = hashlib.sha256(b"".join(pathlib.Path(path).read_bytes() for path in sys.argv[2:])).hexdigest()[:8]
    lines = ['#include "compute/vulkan/cpu_driver/rewriting.h"', "", f'const char cpu_driver_hash[] = "{version}";', ""]
    lines.append("const struct cpu_driver_function cpu_driver_functions[] = {")
    for name, text in functions.items():
        lines.append(f'    {{"{name}",')
        lines += [f'     "{line}\\n"' for line in text.splitlines()]
        lines[-1] += "},"
    lines += ["    {0},", "};", ""]
    pathlib.Path(sys.argv[1]).write_text("\n".join(lines))


main()
