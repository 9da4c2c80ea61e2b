/*
 * The left operand of a product, gathered from a tensor [sample][y][x][channel] as it is multiplied: im2col without the
 * copy. Row r belongs to a position (sample, y, x) of the made image; element k of a row is channel c of kernel position
 * (i, j), k = (i * kernel_width + j) * channels + c, found at y * stride - padding + i * dilation, and x likewise; 0
 * outside the image. Everything is counted in vectors of four channels; of an image with one channel (GATHER_SINGLE) a
 * vector is made of four kernel positions, so that nothing is multiplied with the padding of the channels.
 *
 * Functions return at their end alone, and choose values by mix(): these are inlined up to 70 times, and a return from
 * within a branch, or a ?:, leaves blocks and variables behind, which the driver works off at every start.
 */
#include "padding.glsl"

layout(constant_id = 0) const uint GATHER = GATHER_ROWS;
layout(constant_id = 1) const uint WHOLE = 0; /* 1: the channels are a multiple of 16, so 4 vectors lie side by side */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer left;

/* A row or column so far away that it is outside every image. */
const int FAR = 1 << 24;

int pair_height(uint pair)
{
    return int(pair) >> 16;
}

int pair_width(uint pair)
{
    return int(pair << 16) >> 16;
}

/* struct gather with the pairs taken apart, once, before loops. */
struct gather_sizes {
    divisor made_width, made_height;
    int read_height, read_width, channels;
    ivec2 stride, padding, dilation, end; /* height, width; end: of the kernel, dilated */
    int kernel_width;
};

gather_sizes gather_unpack(gather from)
{
    ivec2 dilation = ivec2(pair_height(from.dilation), pair_width(from.dilation));
    ivec2 kernel = ivec2(pair_height(from.kernel), pair_width(from.kernel));
    return gather_sizes(from.made_width, from.made_height, int(from.read_height), int(from.read_width),
                        int(from.channels), ivec2(pair_height(from.stride), pair_width(from.stride)),
                        ivec2(pair_height(from.padding), pair_width(from.padding)), dilation, kernel * dilation,
                        kernel.y);
}

/* Vectors a row. */
uint gather_depth(gather_sizes from)
{
    uint positions = uint(from.end.x / from.dilation.x * from.kernel_width);
    return GATHER == GATHER_SINGLE ? (positions + 3) / 4 : positions * uint(from.channels);
}

/* Where an invocation's row begins: the sample's first texel, and the corner of the window. */
struct gather_row {
    int start;
    int y, x; /* not set with GATHER_ROWS */
};

/* Which vector of the rows comes next; the same for all invocations. */
struct gather_step {
    int channel;
    /*
     * Kernel position times dilation: of the vector (.x), or, with GATHER_SINGLE, of each component. Not set with
     * GATHER_ROWS.
     */
    ivec4 y, x;
};

/* `first`: texel at which the tensor begins. */
gather_row gather_find(uint row, bool exists, int first, gather_sizes from)
{
    gather_row found;
    if (GATHER == GATHER_ROWS) {
        found.start = mix(OUTSIDE, first + int(row) * from.channels, exists);
    } else {
        uint line = divide(row, from.made_width);
        uint sample_index = divide(line, from.made_height);
        int y = int(line - sample_index * from.made_height.value) * from.stride.x - from.padding.x;
        found.y = mix(-2 * FAR, y, exists);
        found.x = int(row - line * from.made_width.value) * from.stride.y - from.padding.y;
        found.start = first + int(sample_index) * from.read_height * from.read_width * from.channels;
    }
    return found;
}

/* On to the next kernel position where it is reached; behind the last one everything is outside. */
void gather_wrap(bool next_column, inout int y, inout int x, gather_sizes from)
{
    x += mix(0, from.dilation.y, next_column);
    bool next_row = x == from.end.y;
    x = mix(x, 0, next_row);
    y += mix(0, from.dilation.x, next_row);
    y = mix(y, FAR, y == from.end.x);
}

/* The positions of the other components, from the first's on. */
void gather_spread(inout gather_step step, gather_sizes from)
{
    step.y = step.y.xxxx;
    step.x = step.x.xxxx;
    gather_wrap(true, step.y.y, step.x.y, from);
    step.y.zw = step.y.yy;
    step.x.zw = step.x.yy;
    gather_wrap(true, step.y.z, step.x.z, from);
    step.y.w = step.y.z;
    step.x.w = step.x.z;
    gather_wrap(true, step.y.w, step.x.w, from);
}

gather_step gather_begin(uint vector, gather_sizes from)
{
    gather_step step;
    if (GATHER == GATHER_ROWS) {
        step.channel = int(vector);
    } else {
        int position = GATHER == GATHER_SINGLE ? int(vector) * 4 : int(vector) / from.channels;
        step.channel = GATHER == GATHER_SINGLE ? 0 : int(vector) - position * from.channels;
        int i = position / from.kernel_width;
        int y = i * from.dilation.x;
        step.y.x = mix(y, FAR, y >= from.end.x);
        step.x.x = (position - i * from.kernel_width) * from.dilation.y;
    }
    if (GATHER == GATHER_SINGLE) {
        gather_spread(step, from);
    }
    return step;
}

/* `count` vectors on, at most to the next kernel position; with GATHER_SINGLE one. */
void gather_advance(inout gather_step step, int count, gather_sizes from)
{
    if (GATHER == GATHER_SINGLE) {
        step.y.x = step.y.w;
        step.x.x = step.x.w;
        gather_wrap(true, step.y.x, step.x.x, from);
        gather_spread(step, from);
    } else {
        step.channel += count;
    }
    if (GATHER == GATHER_WINDOWS) {
        bool next = step.channel == from.channels;
        step.channel = mix(step.channel, 0, next);
        gather_wrap(next, step.y.x, step.x.x, from);
    }
}

int gather_texel(gather_row row, int channel, int kernel_y, int kernel_x, gather_sizes from)
{
    int texel;
    bool inside;
    if (GATHER == GATHER_ROWS) {
        texel = row.start + channel;
        inside = WHOLE == 1 || channel < from.channels;
    } else {
        int y = row.y + kernel_y;
        int x = row.x + kernel_x;
        texel = row.start + (y * from.read_width + x) * from.channels + channel;
        inside = uint(y) < uint(from.read_height) && uint(x) < uint(from.read_width);
    }
    return mix(OUTSIDE, texel, inside);
}

vec4 gather_load(gather_row row, gather_step step, gather_sizes from)
{
    vec4 value = imageLoad(left, gather_texel(row, step.channel, step.y.x, step.x.x, from));
    if (GATHER == GATHER_SINGLE) {
        value.y = imageLoad(left, gather_texel(row, step.channel, step.y.y, step.x.y, from)).x;
        value.z = imageLoad(left, gather_texel(row, step.channel, step.y.z, step.x.z, from)).x;
        value.w = imageLoad(left, gather_texel(row, step.channel, step.y.w, step.x.w, from)).x;
    }
    return value;
}

/* With GATHER_ROWS, vector `channel` of a row of `channels`: less code than gather_load() of what gather_find() found. */
vec4 gather_load_row(uint row, bool exists, int first, int channel, int channels)
{
    int start = mix(OUTSIDE, first + int(row) * channels, exists);
    return imageLoad(left, mix(OUTSIDE, start + channel, WHOLE == 1 || channel < channels));
}

/* A row's next four vectors, from four steps on, or from the first where all lie side by side. */
void gather_load_four(gather_row row, gather_step step0, gather_step step1, gather_step step2, gather_step step3,
                      gather_sizes from, out vec4 a0, out vec4 a1, out vec4 a2, out vec4 a3)
{
    if (WHOLE == 1) {
        int first = gather_texel(row, step0.channel, step0.y.x, step0.x.x, from);
        a0 = imageLoad(left, first);
        a1 = imageLoad(left, first + 1);
        a2 = imageLoad(left, first + 2);
        a3 = imageLoad(left, first + 3);
    } else {
        a0 = gather_load(row, step0, from);
        a1 = gather_load(row, step1, from);
        a2 = gather_load(row, step2, from);
        a3 = gather_load(row, step3, from);
    }
}
