/*
 * main() of the pools' backward passes: the gradient of a position is the sum over the windows that cover it. Neighbours
 * lie in the same windows, so each is read once for all POOL_COLUMNS of them. The shader defines, before including this,
 *   dx                      the OUTPUT()
 *   WINDOW(window, vector)  declarations: what a window (row, column of what is read) at that vector is read for
 *   PART(reached, i, j)     a vec4 from these: what place (i, j) of the window gets; 0 unless it is `reached` and
 *                           i < KERNEL_HEIGHT
 */

/* Windows that may cover one of the neighbours, along the row. */
const uint SPAN = ALIGNED == 1 ? (KERNEL_WIDTH - 1) / STRIDE_WIDTH + (POOL_COLUMNS - 1) / STRIDE_WIDTH + 1
                               : (KERNEL_WIDTH + POOL_COLUMNS - 2) / STRIDE_WIDTH + 1;

#define ADD_PART(c)                                                                                                    \
    {                                                                                                                  \
        uint j = first_x + c - window.y * STRIDE_WIDTH;                                                                \
        sum##c += PART(inside && j < KERNEL_WIDTH, i, j);                                                              \
    }

void sum_windows(uint row, uint column, uint start, uint channel, out vec4 sum0, out vec4 sum1, out vec4 sum2,
                 out vec4 sum3)
{
    uint y = row + push.padding_height;
    uint first_x = column + push.padding_width;
    sum0 = vec4(0);
    sum1 = vec4(0);
    sum2 = vec4(0);
    sum3 = vec4(0);
    for (uint k = 0; k < COVER_HEIGHT; k++) {
        for (uint l = 0; l < SPAN; l++) {
            /* From the last window on; beyond the image where it would lie before it. */
            uvec2 window = uvec2(y / STRIDE_HEIGHT - k, (first_x + POOL_COLUMNS - 1) / STRIDE_WIDTH - l);
            uint i = y - window.x * STRIDE_HEIGHT;
            bool inside = window.x < push.read_height && window.y < push.read_width;
            uint position = inside ? start + window.x * push.read_width + window.y : 0;
            WINDOW(window, position * push.channels.value + channel)
            ADD_PART(0)
            ADD_PART(1)
            ADD_PART(2)
            ADD_PART(3)
        }
    }
}

#define PREPARE                                                                                                        \
    vec4 sum0, sum1, sum2, sum3;                                                                                       \
    sum_windows(row, column, start, channel, sum0, sum1, sum2, sum3);
#define MAKE(i) STORE_AT(dx, POOL_PLACE(i), sum##i)
#include "pool_main.glsl"
