/* The window of a convolution: known when a kernel is built, so that loops over it are written out. */
layout(constant_id = 3) const int KERNEL_HEIGHT = 1;
layout(constant_id = 4) const int KERNEL_WIDTH = 1;
layout(constant_id = 5) const int STRIDE_HEIGHT = 1;
layout(constant_id = 6) const int STRIDE_WIDTH = 1;
layout(constant_id = 7) const int PADDING_HEIGHT = 0;
layout(constant_id = 8) const int PADDING_WIDTH = 0;
layout(constant_id = 9) const int DILATION_HEIGHT = 1;
layout(constant_id = 10) const int DILATION_WIDTH = 1;
