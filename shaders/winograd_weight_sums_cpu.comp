#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * The gradient of weights from the tiles of inputs and of the output's gradient: their 36 products are summed over the
 * tiles of a shard, transformed, G^T u G, and added as the tree of base/shards.h, all while they lie in registers.
 *
 * A workgroup makes the kernels of 8 inputs. Its lanes are a group for each of SET shards, a lane of which holds four
 * outputs: so the first level of the tree is a sum over lanes. A turn of the inner loop takes ROWS tiles a shard, of
 * the six products in one line of u; for one input after another it makes the six sums, transforms these to three, and
 * adds them to the nine of the kernel. Operands lie in the order in which they are read (lib/winograd_tiles.glsl).
 *
 * More inputs would need fewer loads, but their sums, nine times four registers each, would leave the first cache: 16
 * are no faster. Sets of four shards need more loads than they save sums; one shard at a time is added up twice as
 * often.
 */
#include "winograd.h"
#include "lib/store.glsl"
layout(constant_id = 0) const uint SET = 1;  /* 2 where there are several shards */
layout(constant_id = 1) const uint FULL = 0; /* 1: a multiple of SET shards */
const uint COLUMN_LANES = LANES / SET;
#include "lib/tile.glsl"
#include "lib/winograd.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer inputs;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer gradients;
OUTPUT(2, weights)
PUSH(winograd_weight_sums_push)

const int ROWS = WINOGRAD_SUMS_ROWS;
/* A load of inputs: the two vectors of a row, those of the set's other shard, then other rows. Two loads at most. */
const uint LEFT_LANES = WINOGRAD_SUMS_HEIGHT / 4 * SET;
const uint LEFT_ROWS = LANES / LEFT_LANES;

#define EACH_INPUT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define EACH_PRODUCT(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define LOAD_LEFT(j)                                                                                                   \
    vec4 lower##j = imageLoad(inputs, left_place + j * ROWS * int(LEFT_LANES));                                        \
    vec4 upper##j = lower##j;                                                                                          \
    if (LEFT_ROWS < ROWS) {                                                                                            \
        upper##j = imageLoad(inputs, left_place + (j * ROWS + 2) * int(LEFT_LANES));                                   \
    }
#define LOAD_ROW(j, t) vec4 b##j##t = imageLoad(gradients, right_place + (j * ROWS + t) * int(LANES));
#define LOAD_RIGHT(j) LOAD_ROW(j, 0) LOAD_ROW(j, 1) LOAD_ROW(j, 2) LOAD_ROW(j, 3)

/* Row t of product j, for component c of vector v. */
#define ADD_ROW(j, t, half, v, c) TILE_ADD(u##j, half##j.c, t % LEFT_ROWS * LEFT_LANES + group_vector + v, b##j##t)
#define ADD_PRODUCT(j, v, c)                                                                                           \
    vec4 u##j = vec4(0);                                                                                               \
    ADD_ROW(j, 0, lower, v, c) ADD_ROW(j, 1, lower, v, c) ADD_ROW(j, 2, upper, v, c) ADD_ROW(j, 3, upper, v, c)
#define ADD_POSITION(k, a, b) g##k##_##a##b = fma(vec4(factor##a), r##b, g##k##_##a##b);
#define ADD_POSITIONS(k, a) ADD_POSITION(k, a, 0) ADD_POSITION(k, a, 1) ADD_POSITION(k, a, 2)
#define ADD_INPUT(k, v, c)                                                                                             \
    TILE_APART(k, ADD_PRODUCT(0, v, c) ADD_PRODUCT(1, v, c) ADD_PRODUCT(2, v, c) ADD_PRODUCT(3, v, c)                  \
                      ADD_PRODUCT(4, v, c) ADD_PRODUCT(5, v, c) vec4 r0; vec4 r1; vec4 r2;                             \
               winograd_weight_gradient(u0, u1, u2, u3, u4, u5, r0, r1, r2);                                           \
               ADD_POSITIONS(k, 0) ADD_POSITIONS(k, 1) ADD_POSITIONS(k, 2))

#define POSITIONS(X, k) X(k, 00) X(k, 01) X(k, 02) X(k, 10) X(k, 11) X(k, 12) X(k, 20) X(k, 21) X(k, 22)
#define POSITIONS_OF_TWO(X, k, l)                                                                                      \
    X(k, l, 00) X(k, l, 01) X(k, l, 02) X(k, l, 10) X(k, l, 11) X(k, l, 12) X(k, l, 20) X(k, l, 21) X(k, l, 22)
#define DECLARE_SUM(k, ab) vec4 g##k##_##ab = vec4(0);
#define DECLARE_SUMS(k) POSITIONS(DECLARE_SUM, k)

/* The tree. What is not there is -0, which added to anything changes no bit of it. */
#define LEAVE_OUT(k, ab) g##k##_##ab = mix(vec4(-0.0), g##k##_##ab, bvec4(exists));
#define LEAVE_ALL_OUT(k) POSITIONS(LEAVE_OUT, k)
/* Two shards: of two inputs the one group gets the sums of k, the other those of l, in the variables of k. */
#define EXCHANGE(k, l, ab)                                                                                             \
    {                                                                                                                  \
        vec4 kept = mix(g##k##_##ab, g##l##_##ab, bvec4(gets_upper));                                                  \
        vec4 given = mix(g##l##_##ab, g##k##_##ab, bvec4(gets_upper));                                                 \
        g##k##_##ab = kept + subgroupShuffle(given, partner);                                                          \
    }
#define EXCHANGE_ALL(k, l) POSITIONS_OF_TWO(EXCHANGE, k, l)
/* Inputs that a lane has from there on: the first so many. */
const uint KEPT = WINOGRAD_SUMS_HEIGHT / SET;
#define DECLARE_FOUR(k, ab) vec4 fours##k##_##ab = vec4(-0.0);
#define DECLARE_EIGHT(k, ab) vec4 eights##k##_##ab = vec4(-0.0);
#define ADD_SUM(k, ab) fours##k##_##ab += g##k##_##ab;
#define ADD_FOUR(k, ab) eights##k##_##ab += fours##k##_##ab;
#define DECLARE_FOURS(k) POSITIONS(DECLARE_FOUR, k)
#define DECLARE_EIGHTS(k) POSITIONS(DECLARE_EIGHT, k)
#define ADD_SUMS(k)                                                                                                    \
    if (k < KEPT) {                                                                                                    \
        POSITIONS(ADD_SUM, k)                                                                                          \
    }
#define ADD_FOURS(k)                                                                                                   \
    if (k < KEPT) {                                                                                                    \
        POSITIONS(ADD_FOUR, k)                                                                                         \
    }

#define STORE_POSITION(k, a, b) weights[to##k + (a * 3 + b) * position] = eights##k##_##a##b;
#define STORE_INPUT(k)                                                                                                 \
    if (k < KEPT) {                                                                                                    \
        uint to##k = mix(TILE_NOWHERE, to + k * width, first_input + k < depth * 4) + own_column;                      \
        STORE_POSITION(k, 0, 0) STORE_POSITION(k, 0, 1) STORE_POSITION(k, 0, 2)                                        \
        STORE_POSITION(k, 1, 0) STORE_POSITION(k, 1, 1) STORE_POSITION(k, 1, 2)                                        \
        STORE_POSITION(k, 2, 0) STORE_POSITION(k, 2, 1) STORE_POSITION(k, 2, 2)                                        \
    }

void main()
{
    TILE_LANES
    uint shards = push.shards;
    uint turns = push.turns;
    uint depth = push.inputs;
    uint columns = push.outputs;
    uvec2 tile = tile_place(push.order);
    uint group = gl_SubgroupInvocationID / COLUMN_LANES;
    uint group_vector = group * (WINOGRAD_SUMS_HEIGHT / 4);
    uint products = (shards + SET - 1) / SET * turns * WINOGRAD_PRODUCTS; /* of a block */
    int left_place = int(tile.x * products * (uint(ROWS) * LEFT_LANES) + gl_SubgroupInvocationID);
    int right_place = int(tile.y * products * (uint(ROWS) * LANES) + gl_SubgroupInvocationID);

    uint set = 0;
    EACH_INPUT(DECLARE_EIGHTS)
    for (; set * SET < shards;) {
        EACH_INPUT(DECLARE_FOURS)
        for (; set * SET < shards;) {
            EACH_INPUT(DECLARE_SUMS)
            uint line = 0;
            uint turn = 0;
            for (; turn < turns;) {
                /* Column `line` of G^T. */
                float sign = line % 2 == 0 ? 1.0 : -1.0;
                float factor0 = line == 0 ? 16.0 / 9.0 : line <= 2 ? -1.0 : line < 5 ? 1.0 / 9.0 : 0.0;
                float factor1 = line == 0 || line == 5 ? 0.0 : line <= 2 ? 0.5 * sign : -sign / 6.0;
                float factor2 = line == 0 ? 0.0 : line <= 2 ? -0.25 : line < 5 ? 0.25 : 1.0;
                EACH_PRODUCT(LOAD_LEFT)
                EACH_PRODUCT(LOAD_RIGHT)
                ADD_INPUT(0, 0, x) ADD_INPUT(1, 0, y) ADD_INPUT(2, 0, z) ADD_INPUT(3, 0, w)
                ADD_INPUT(4, 1, x) ADD_INPUT(5, 1, y) ADD_INPUT(6, 1, z) ADD_INPUT(7, 1, w)
                left_place += 6 * ROWS * int(LEFT_LANES);
                right_place += 6 * ROWS * int(LANES);
                turn += line == 5 ? 1 : 0;
                line = line == 5 ? 0 : line + 1;
                if (turn >= turns) {
                    break;
                }
            }
            if (FULL == 0) {
                bool exists = set * SET + group < shards;
                EACH_INPUT(LEAVE_ALL_OUT)
            }
            if (SET == 2) {
                bool gets_upper = group == 1;
                uint partner = gl_SubgroupInvocationID ^ COLUMN_LANES;
                EXCHANGE_ALL(0, 4) EXCHANGE_ALL(1, 5) EXCHANGE_ALL(2, 6) EXCHANGE_ALL(3, 7)
            }
            EACH_INPUT(ADD_SUMS)
            set++;
            if (set * SET >= shards || set % 2 == 0) {
                break;
            }
        }
        EACH_INPUT(ADD_FOURS)
        if (set * SET >= shards) {
            break;
        }
    }

    uint first_input = tile.x * WINOGRAD_SUMS_HEIGHT + group * KEPT;
    uint first_column = tile.y * COLUMN_LANES;
    uint panel = first_column / WINOGRAD_PANEL * WINOGRAD_PANEL;
    uint width = min(WINOGRAD_PANEL, columns - panel);
    uint position = depth * 4 * width;
    uint to = panel * 9 * depth * 4 + first_input * width - panel;
    TILE_COLUMN
    EACH_INPUT(STORE_INPUT)
}
