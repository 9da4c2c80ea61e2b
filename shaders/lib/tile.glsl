/*
 * A tile of sums, and 16 products added to each: the part of a matmul where the time goes.
 *
 * Made for CPU drivers (lavapipe), on which an invocation is a lane of a vector register, and a workgroup is one
 * register of LANES floats:
 * - A lane holds four neighbouring columns of the tile: one texel load fetches a row of the right operand, branch free.
 *   COLUMN_LANES of them make the tile's width; where results are narrow, that is half or a quarter of all, and each
 *   such group of lanes has HEIGHT rows of its own.
 * - The left operand is loaded spread over the lanes of a group, a row a lane or a row's vectors side by side, and
 *   handed round by shuffles with constant indices, which are one instruction; anything that is only uniform in fact
 *   would be loaded lane by lane.
 * - Sums have names, not indices: arrays become memory. The macros below write the loops out. Four rows at a time stay
 *   in registers for all 16 products (TILE_APART); sums beyond that live on the stack, touched once a turn of the loop.
 * - A load whose lanes' places do not lie side by side costs as much as 70 multiply-adds of a register (their addresses
 *   are taken out of it one by one, and what they find is transposed), one whose places do half of that: a tile of 32
 *   rows needs half the loads of right operands.
 * - A turn of 16 and not 8 products: a loop's variables are blended under the execution mask at the end of every turn.
 * - Loops end at their foot: a driver that masks lanes runs a turn whose condition fails at the head to its end, for
 *   nothing. They have the condition at their head as well: so the sums behind a loop are its variables, and each is
 *   blended where its last product is added; else all are, at the foot, behind a round trip to the stack.
 * - Push constants are read before the loops, for in a loop they are loaded lane by lane.
 * The invocations must be the lanes of one subgroup. The shader defines COLUMN_LANES before including this. Class gpu
 * uses lib/tile_gpu.glsl, which asks nothing of subgroups.
 */
#include "store.glsl"

layout(local_size_x = 8, local_size_x_id = 15) in; /* LANES */

/* Rows of the tile, upper and lower half: X(row). Those of the lower half are there where HEIGHT is 32. */
#define TILE_UPPER(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define TILE_LOWER(X)                                                                                                  \
    X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)

const uint TILE_GROUPS = LANES / COLUMN_LANES;
/*
 * Said once, at the top of main(): the first lane of an invocation's group, its place in the group; the lanes of a
 * group.
 */
#define TILE_LANES                                                                                                     \
    uint group_lane = gl_SubgroupInvocationID & ~(COLUMN_LANES - 1);                                                   \
    uint lane = gl_SubgroupInvocationID & (COLUMN_LANES - 1);                                                          \
    EACH_GROUP_LANE(DECLARE_LANE)                                                                                      \
    uint nought = uniform_digit(0);
#define DECLARE_LANE(i) uint lane##i = group_lane + i % COLUMN_LANES;
#define EACH_GROUP_LANE(X)                                                                                             \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/*
 * The number-th piece of a turn by itself: a loop of one turn, whose end the driver does not foresee. It orders and
 * spills within such pieces, and else mixes those of a turn until every sum goes to the stack and back for each
 * product. The turns of these loops count among those that a driver allows (DISPATCH_MAX_TURNS): a shader whose loops
 * can be longer defines TILE_TOGETHER, a constant that is true where they are, and the pieces are no loops.
 */
#ifndef TILE_TOGETHER
#define TILE_TOGETHER false
#endif
#define TILE_APART(number, code)                                                                                       \
    for (;;) {                                                                                                         \
        code                                                                                                           \
        if (TILE_TOGETHER || nought < number + 1) {                                                                    \
            break;                                                                                                     \
        }                                                                                                              \
    }

#define TILE_ADD(sum, left, lane, right) sum = fma(vec4(subgroupShuffle(left, lane)), right, sum);

/* To four sums, products of one component of the left operand, whose rows lie in four lanes. */
#define TILE_ADD_LANES(s0, s1, s2, s3, left, l0, l1, l2, l3, right)                                                    \
    TILE_ADD(s0, left, l0, right)                                                                                      \
    TILE_ADD(s1, left, l1, right)                                                                                      \
    TILE_ADD(s2, left, l2, right)                                                                                      \
    TILE_ADD(s3, left, l3, right)

/* To four sums, products of the four components of one lane. */
#define TILE_ADD_COMPONENTS(s0, s1, s2, s3, left, lane, right)                                                         \
    TILE_ADD(s0, left.x, lane, right)                                                                                  \
    TILE_ADD(s1, left.y, lane, right)                                                                                  \
    TILE_ADD(s2, left.z, lane, right)                                                                                  \
    TILE_ADD(s3, left.w, lane, right)

/* Row and column of this workgroup's tile. A group behind the last tile gets a row behind the last. */
uvec2 tile_place(tile_order order)
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint block = divide(group, order.block);
    uint rest = group - block * order.block.value;
    uint rows = min(order.rows, order.row_tiles - block * order.rows);
    /* The half keeps the quotient away from whole numbers: exact below 2^21. */
    uint column = uint((float(rest) + 0.5) / float(rows));
    return uvec2(block * order.rows + rest - column * rows, column);
}

/* Behind every buffer, also twice and with a place in a buffer added, and in bytes still below 2^32. */
const uint TILE_NOWHERE = 0x07000000;
/*
 * Writes row i of one's group to the buffer `name`: `value` is one's vector of it, LINE(i) where the row begins,
 * TILE_NOWHERE if it is not to be written. TILE_COLUMN is said once before.
 */
#define TILE_STORE(name, value, LINE, i) name[LINE(i) + own_column] = value;
/* From first_column and columns, in vectors. */
#define TILE_COLUMN uint own_column = mix(TILE_NOWHERE, first_column + lane, first_column + lane < columns);
