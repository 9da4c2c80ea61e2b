/*
 * A tile of 16 x 32 or 32 x 32 sums, and 16 products added to each: the part of a matmul where the time goes.
 *
 * Made for CPU drivers (lavapipe), on which an invocation is a lane of a vector register, and a workgroup of 8 is one
 * register:
 * - Lane l holds columns 4 l .. 4 l + 3 of the tile: one texel load fetches a row of the right operand, branch free.
 * - The left operand is loaded spread over the lanes, a row a lane, and handed round by shuffles with constant
 *   indices, which are one instruction; anything that is only uniform in fact would be loaded lane by lane.
 * - Sums have names, not indices: arrays become memory. The macros below write the loops out. Four rows at a time stay
 *   in registers for all 16 products; sums beyond that live on the stack, touched once a turn of the loop.
 * - A load from memory costs as much as a dozen multiply-adds (its lanes' addresses are taken out of their register one by
 *   one, and what they find is transposed): a tile of 32 rows needs half the loads of right operands.
 * - A turn of 16 and not 8 products: a loop's variables are blended under the execution mask at the end of every turn.
 * - Loops end at their foot: a driver that masks lanes runs a turn whose condition fails at the head to its end, for
 *   nothing. They have the condition at their head as well: so the sums behind a loop are its variables, and each is
 *   blended where its last product is added; else all are, at the foot, behind a round trip to the stack.
 * - Push constants are read before the loops, for in a loop they are loaded lane by lane.
 * The 8 invocations must be lanes 0 .. 7 of a subgroup, as they are where subgroups have 8 lanes. Class gpu uses
 * lib/tile_gpu.glsl, which asks nothing of subgroups.
 */
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

layout(local_size_x = 8) in;

/* Rows of the tile, upper and lower half: X(row). Those of the lower half are there where the tile is 32 rows high. */
#define TILE_UPPER(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define TILE_LOWER(X)                                                                                                  \
    X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)

#define TILE_ADD(sum, left, lane, right) sum = fma(vec4(subgroupShuffle(left, lane)), right, sum);

/* To four sums, products of one component of the left operand, whose rows lie in lanes `lane` and the three behind. */
#define TILE_ADD_LANES(s0, s1, s2, s3, left, lane, right)                                                              \
    TILE_ADD(s0, left, lane, right)                                                                                    \
    TILE_ADD(s1, left, lane + 1, right)                                                                                \
    TILE_ADD(s2, left, lane + 2, right)                                                                                \
    TILE_ADD(s3, left, lane + 3, right)

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
