/*
 * The left operand of a product, gathered from a tensor [sample][y][x][channel] as it is multiplied: im2col without the
 * copy. Row r belongs to a position (sample, y, x) of the made image; element k of a row is channel c of kernel position
 * (i, j), k = (i * kernel_width + j) * channels + c, found at
 *
 *   GATHER_WINDOWS     y * stride - padding + i * dilation
 *   GATHER_TRANSPOSED  (y + padding - i * dilation) / stride, where that is whole
 *
 * and x likewise; 0 outside the image. Everything is counted in vectors of four channels.
 */
layout(constant_id = 0) const uint GATHER = GATHER_ROWS;
layout(constant_id = 1) const uint WHOLE = 0; /* 1: the channels are a multiple of 16, so 4 vectors lie side by side */

/* Texel that lies outside every view: it reads as 0 (robustBufferAccess2, which the engine enables). */
const int OUTSIDE = -0x40000000;
/* A row or column so far away that it is outside every image. */
const int FAR = 1 << 24;

/* Where an invocation's row begins: the sample's first texel, and the corner of the window. */
struct gather_row {
    int start;
    int y, x;
};

/* Which vector of the rows comes next; the same for all invocations. */
struct gather_step {
    int channel;
    int y, x; /* kernel position times dilation */
};

gather_row gather_find(uint row, bool exists, gather from)
{
    if (GATHER == GATHER_ROWS) {
        return gather_row(exists ? int(row * from.channels) : OUTSIDE, 0, 0);
    }
    uint line = divide(row, from.made_width);
    uint sample_index = divide(line, from.made_height);
    int x = int(row - line * from.made_width.value);
    int y = int(line - sample_index * from.made_height.value);
    int start = int(sample_index * from.read_height * from.read_width * from.channels);
    if (GATHER == GATHER_WINDOWS) {
        y = y * int(from.stride_height) - int(from.padding_height);
        x = x * int(from.stride_width) - int(from.padding_width);
    } else {
        y += int(from.padding_height);
        x += int(from.padding_width);
    }
    return gather_row(start, exists ? y : -2 * FAR, x);
}

gather_step gather_begin(uint vector, gather from)
{
    if (GATHER == GATHER_ROWS) {
        return gather_step(int(vector), 0, 0);
    }
    uint position = vector / from.channels;
    uint i = position / from.kernel_width;
    return gather_step(int(vector - position * from.channels), int(i * from.dilation_height),
                       int((position - i * from.kernel_width) * from.dilation_width));
}

/* `count` vectors on, at most to the next kernel position; behind the last one everything is outside. */
void gather_advance(inout gather_step step, int count, gather from)
{
    step.channel += count;
    if (GATHER == GATHER_ROWS) {
        return;
    }
    bool next_column = step.channel == int(from.channels);
    step.channel = next_column ? 0 : step.channel;
    step.x += next_column ? int(from.dilation_width) : 0;
    bool next_row = step.x == int(from.kernel_width * from.dilation_width);
    step.x = next_row ? 0 : step.x;
    step.y += next_row ? int(from.dilation_height) : 0;
    step.y = step.y == int(from.kernel_height * from.dilation_height) ? FAR : step.y;
}

int gather_texel(gather_row row, gather_step step, gather from)
{
    if (GATHER == GATHER_ROWS) {
        return WHOLE == 1 || step.channel < int(from.channels) ? row.start + step.channel : OUTSIDE;
    }
    int y = row.y + step.y;
    int x = row.x + step.x;
    bool inside = true;
    if (GATHER == GATHER_TRANSPOSED) {
        y = row.y - step.y;
        x = row.x - step.x;
        inside = y >= 0 && x >= 0;
        /* The half keeps the quotient away from whole numbers: exact below 2^21. */
        int whole_y = int((float(y) + 0.5) / float(from.stride_height));
        int whole_x = int((float(x) + 0.5) / float(from.stride_width));
        inside = inside && whole_y * int(from.stride_height) == y && whole_x * int(from.stride_width) == x;
        y = whole_y;
        x = whole_x;
    }
    inside = inside && uint(y) < from.read_height && uint(x) < from.read_width;
    return inside ? row.start + (y * int(from.read_width) + x) * int(from.channels) + step.channel : OUTSIDE;
}

/* Texels of a row's next four vectors; from four steps on, or from the first where all lie side by side. */
ivec4 gather_texels(gather_row row, gather_step step0, gather_step step1, gather_step step2, gather_step step3,
                    gather from)
{
    int first = gather_texel(row, step0, from);
    return WHOLE == 1 ? first + ivec4(0, 1, 2, 3)
                      : ivec4(first, gather_texel(row, step1, from), gather_texel(row, step2, from),
                              gather_texel(row, step3, from));
}
