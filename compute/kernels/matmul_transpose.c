#include <string.h>

#include "base/memory.h"
#include "compute/kernels/matmul.h"
#include "compute/kernels/range.h"

enum status matmul_transpose(struct tape *tape, const struct matmul_transpose *params)
{
    int64_t count = params->size[0] * params->size[1];
    int64_t row_squares = divide_up_count(params->rows, 16);
    int64_t column_squares = divide_up_count(params->columns, 16);
    int64_t blocks = count * row_squares * column_squares * 16;
    if (params->output.size > DISPATCH_MAX_STORAGE) {
        return fail(STATUS_BAD_INPUT,
                    "weights of %lld x %lld x %lld; at most %d elements are possible: set its features lower",
                    (long long)count, (long long)params->rows, (long long)params->columns,
                    DISPATCH_MAX_STORAGE / (int)sizeof(float));
    }
    struct matmul_transpose_push push = {.blocks = (uint)blocks,
                                         .row_squares = divisor_of(row_squares),
                                         .column_squares = divisor_of(column_squares),
                                         .matrix_rows = (uint)params->rows,
                                         .columns = (uint)(params->columns / 4),
                                         .source_rows = (uint)params->source_rows,
                                         .count = (uint)count,
                                         .width = divisor_of(params->size[1]),
                                         .first = (uint)params->first,
                                         .row_step = (uint)params->step[0],
                                         .column_step = (uint)params->step[1]};
    struct dispatch dispatch = {.kernel = "matmul_transpose",
                                .bindings = {params->source, params->output},
                                .binding_count = 2,
                                .constants = {params->layout == RIGHT_PANELS},
                                .constant_count = 1};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up((uint64_t)blocks, RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}
