/*
 * Winograd's algorithm F(4 x 4, 3 x 3) (Lavin and Gray 2015): a tile of 4 x 4 outputs y from 6 x 6 inputs d and a kernel
 * g with 36 products a channel instead of 144, summed over the channels as 36 products of matrices:
 *
 *     y = A^T [(G g G^T) * (B^T d B)] A        dg = G^T [(A dy A^T) * (B^T d B)] G
 *
 * The gradient to the input is a convolution of the same kind. The matrices interpolate at 0, 1/2, -1/2, 3/2, -3/2 and
 * infinity: with these points the result is about as exact as 144 products added up one after another (at 0, 1, -1, 2,
 * -2 it is four times less exact). Each function below applies a matrix along one axis.
 */
#define WINOGRAD_PANEL 16 /* vectors: MATMUL_PANEL / 4 */

void winograd_input(inout vec4 d0, inout vec4 d1, inout vec4 d2, inout vec4 d3, inout vec4 d4, inout vec4 d5)
{
    vec4 even1 = d4 - 2.25 * d2;
    vec4 odd1 = 0.5 * d3 - 1.125 * d1;
    vec4 even2 = d4 - 0.25 * d2;
    vec4 odd2 = 1.5 * d3 - 0.375 * d1;
    d0 = 0.5625 * d0 - 2.5 * d2 + d4;
    d5 = 0.5625 * d1 - 2.5 * d3 + d5;
    d1 = even1 + odd1;
    d2 = even1 - odd1;
    d3 = even2 + odd2;
    d4 = even2 - odd2;
}

/* A^T: six to four. */
void winograd_output(vec4 m0, vec4 m1, vec4 m2, vec4 m3, vec4 m4, vec4 m5, out vec4 y0, out vec4 y1, out vec4 y2,
                     out vec4 y3)
{
    vec4 sum1 = m1 + m2;
    vec4 difference1 = m1 - m2;
    vec4 sum2 = m3 + m4;
    vec4 difference2 = m3 - m4;
    y0 = m0 + sum1 + sum2;
    y1 = 0.5 * difference1 + 1.5 * difference2;
    y2 = 0.25 * sum1 + 2.25 * sum2;
    y3 = 0.125 * difference1 + 3.375 * difference2 + m5;
}

/* A: four to six. */
void winograd_output_gradient(vec4 y0, vec4 y1, vec4 y2, vec4 y3, out vec4 m0, out vec4 m1, out vec4 m2, out vec4 m3,
                              out vec4 m4, out vec4 m5)
{
    vec4 even1 = y0 + 0.25 * y2;
    vec4 odd1 = 0.5 * y1 + 0.125 * y3;
    vec4 even2 = y0 + 2.25 * y2;
    vec4 odd2 = 1.5 * y1 + 3.375 * y3;
    m0 = y0;
    m1 = even1 + odd1;
    m2 = even1 - odd1;
    m3 = even2 + odd2;
    m4 = even2 - odd2;
    m5 = y3;
}

/* G: three to six. */
void winograd_weight(vec4 g0, vec4 g1, vec4 g2, out vec4 u0, out vec4 u1, out vec4 u2, out vec4 u3, out vec4 u4,
                     out vec4 u5)
{
    vec4 even1 = g0 + 0.25 * g2;
    vec4 even2 = (g0 + 2.25 * g2) * (1.0 / 9.0);
    vec4 odd2 = g1 * (1.0 / 6.0);
    u0 = g0 * (16.0 / 9.0);
    u1 = -(even1 + 0.5 * g1);
    u2 = -(even1 - 0.5 * g1);
    u3 = even2 + odd2;
    u4 = even2 - odd2;
    u5 = g2;
}

/* G^T: six to three. */
void winograd_weight_gradient(vec4 u0, vec4 u1, vec4 u2, vec4 u3, vec4 u4, vec4 u5, out vec4 g0, out vec4 g1,
                              out vec4 g2)
{
    vec4 sum1 = u1 + u2;
    vec4 sum2 = u3 + u4;
    g0 = u0 * (16.0 / 9.0) - sum1 + sum2 * (1.0 / 9.0);
    g1 = 0.5 * (u2 - u1) + (u3 - u4) * (1.0 / 6.0);
    g2 = 0.25 * (sum2 - sum1) + u5;
}
