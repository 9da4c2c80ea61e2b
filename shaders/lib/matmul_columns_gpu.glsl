/*
 * What the kernels of matmul_columns() on GPUs share: operands, constants, and the way to the output. To be included
 * behind their tile (lib/tile_gpu.glsl, lib/tile_matrix.glsl).
 *
 * Large outputs: a workgroup adds up to eight shards as the tree of base/shards.h. A level that has seen nothing yet
 * holds -0, which added to anything changes no bit of it.
 * SPLIT, for outputs of too few tiles: every part of every shard is summed into an output of its own, and other kernels
 * add the parts in order and the shards as the tree.
 *
 * SUMS: the gradient of a bias, sums[n] = sum over rows of right[row][n], in the same way. It is what products with a
 * column of ones come to, which stands behind the left operand's last.
 */
layout(constant_id = 2) const uint PANELS = 1; /* 0: y lies row by row */
layout(constant_id = 3) const uint SPLIT = 0;
layout(constant_id = 4) const uint SUMS = 0;

layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
layout(std430, binding = 2) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(std430, binding = 3) writeonly restrict buffer Sums /* not written without SUMS */
{
    vec4 sums[];
};
layout(push_constant) uniform Push
{
    matmul_columns_gpu_push push;
};

/* Element k of the tile's row in vector `vector` of the depth, `component` of it. */
void store(uint vector, uint component, uint column, uint depth, vec4 sum)
{
    uint columns = push.columns;
    if (SUMS == 1 && vector == depth && component == 0 && column < columns) {
        sums[gl_WorkGroupID.z * columns + column] = sum;
    }
    if (vector >= depth || column >= columns) {
        return;
    }
    uint panel = PANELS == 1 ? column / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    uint width = PANELS == 1 ? min(MATMUL_PANEL / 4, columns - panel) : columns;
    uint skipped = SPLIT == 1 ? depth * 4 * columns : push.batch.result;
    uint to = panel * depth * 4 + (vector * 4 + component) * width + column - panel - push.first_vector;
    y[to + gl_WorkGroupID.z * skipped] = sum;
}
