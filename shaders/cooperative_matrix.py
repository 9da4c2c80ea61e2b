"""Rewrites cooperative matrices of one SPIR-V extension as those of another: cooperative_matrix.py INPUT.spv OUTPUT.spv

Compilers of GLSL know GL_NV_cooperative_matrix since 2019, GL_KHR_cooperative_matrix since 2023; drivers of all vendors
take SPV_KHR_cooperative_matrix. The two differ little: a type of the latter says for which operand it is (its use), and
the layout in memory is a number, not a boolean. A type's use is told by the products that it stands in.
"""

import pathlib
import struct
import sys

HEADER_WORDS = 5
BOUND = 3  # word of the header: ids are below it

EXTENSION, CAPABILITY, TYPE_INT, CONSTANT_TRUE, CONSTANT_FALSE, CONSTANT, FUNCTION = 10, 17, 21, 41, 42, 43, 54
NV_CAPABILITY, NV_TYPE, NV_LOAD, NV_STORE, NV_MULTIPLY_ADD, NV_LENGTH = 5357, 5358, 5359, 5360, 5361, 5362
KHR_CAPABILITY, KHR_TYPE, KHR_LOAD, KHR_STORE, KHR_MULTIPLY_ADD, KHR_LENGTH = 6022, 4456, 4457, 4458, 4459, 4460
RENAMED = {NV_MULTIPLY_ADD: KHR_MULTIPLY_ADD, NV_LENGTH: KHR_LENGTH}
LEFT, RIGHT, SUM = 0, 1, 2  # uses
ROW_MAJOR, COLUMN_MAJOR = 0, 1


def read(code):
    """The header, and every instruction as (number, operands)."""
    words = struct.unpack(f"<{len(code) // 4}I", code)
    instructions = []
    at = HEADER_WORDS
    while at < len(words):
        length = words[at] >> 16
        instructions.append((words[at] & 0xFFFF, list(words[at + 1 : at + length])))
        at += length
    return list(words[:HEADER_WORDS]), instructions


def text_words(text):
    data = text.encode() + b"\0"
    return list(struct.unpack(f"<{(len(data) + 3) // 4}I", data.ljust((len(data) + 3) // 4 * 4, b"\0")))


def find_uses(instructions):
    """By matrix type: for which operand it is."""
    type_of = {}  # by id; other ids than matrices' may get nonsense, for not every instruction makes one
    functions = next(i for i, (number, _) in enumerate(instructions) if number == FUNCTION)
    for _, operands in instructions[functions:]:
        if len(operands) > 1:
            type_of.setdefault(operands[1], operands[0])
    uses = {}
    for number, operands in instructions:
        if number == NV_MULTIPLY_ADD:
            result, _, left, right, addend = operands
            for matrix_type, use in ((type_of[left], LEFT), (type_of[right], RIGHT), (type_of[addend], SUM)):
                if uses.setdefault(matrix_type, use) != use:
                    sys.exit("one type of matrix is two operands of a product: give them sizes of different constants")
    return uses


class Rewriter:
    def __init__(self, header, instructions):
        self.header = header
        self.uses = find_uses(instructions)
        self.numbers = {}  # ids of constants 0, 1, 2
        self.layouts = {}  # by id of a boolean
        self.instructions = [new for old in instructions for new in self.rewrite(*old)]

    def rewrite(self, number, operands):
        if number == CAPABILITY and operands == [NV_CAPABILITY]:
            operands = [KHR_CAPABILITY]
        elif number == EXTENSION and operands == text_words("SPV_NV_cooperative_matrix"):
            operands = text_words("SPV_KHR_cooperative_matrix")
        elif number == TYPE_INT and operands[1:] == [32, 0]:
            return [(number, operands), *self.add_numbers(operands[0])]
        elif number in (CONSTANT_TRUE, CONSTANT_FALSE):
            self.layouts[operands[1]] = COLUMN_MAJOR if number == CONSTANT_TRUE else ROW_MAJOR
        elif number == NV_TYPE:
            return [(KHR_TYPE, operands + [self.numbers[self.uses[operands[0]]]])]
        elif number == NV_LOAD:
            matrix_type, result, pointer, stride, layout, *access = operands
            return [(KHR_LOAD, [matrix_type, result, pointer, self.layout(layout), stride, *access])]
        elif number == NV_STORE:
            pointer, matrix, stride, layout, *access = operands
            return [(KHR_STORE, [pointer, matrix, self.layout(layout), stride, *access])]
        return [(RENAMED.get(number, number), operands)]

    def add_numbers(self, integer):
        for value in (LEFT, RIGHT, SUM):
            self.numbers[value] = self.header[BOUND]
            self.header[BOUND] += 1
        return [(CONSTANT, [integer, result, value]) for value, result in self.numbers.items()]

    def layout(self, boolean):
        return self.numbers[self.layouts[boolean]]

    def code(self):
        words = list(self.header)
        for number, operands in self.instructions:
            words += [(len(operands) + 1) << 16 | number, *operands]
        return struct.pack(f"<{len(words)}I", *words)


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    target.write_bytes(Rewriter(*read(source.read_bytes())).code())


main()
