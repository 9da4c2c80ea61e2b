/*
 * Which layers vanish into the one that makes their input: its kernel does their work on what it has in registers, and
 * writes their output instead of its own. An activation is absorbed by any layer that can apply one. A sum of two
 * values is absorbed by the convolution, linear layer or batch_norm that makes one of them, where the other, the
 * residual, is written before. In evaluation batch_norm is absorbed by the convolution or linear layer before it. One
 * layer may absorb all three, in the order batch_norm, sum, activation.
 *
 * An activation's gradient vanishes too where the absorber's backward kernels take the derivative as they read; not
 * behind a sum, where the residual's layer wants the same gradient: there the activation's own backward writes it, and
 * the sum hands it to both.
 *
 * A value that vanishes has one consumer, is not seen by the host, and no backward pass reads it. The decision depends
 * on the graph and on what is observed, so it is the same on every rank; results are the same bits as without.
 */
#ifndef COMPUTE_GRAPH_FUSE_H
#define COMPUTE_GRAPH_FUSE_H

#include "compute/graph/lower.h"

/* Sets tape->absorbers and tape->residuals. An absorber is not absorbed itself. */
enum status fuse(const struct lower_params *params, struct tape *tape) MUST_CHECK;

/*
 * Sets tape->epilogue to what the layers that `layer` absorbed ask of the pass that is emitted, appending what they
 * need; to nothing where it absorbed none. Backward that is the map of a layer that is derived.
 */
enum status fuse_epilogue(struct tape *tape, const struct layer *layer) MUST_CHECK;

/* Whether a layer has no backward of its own, because its absorber takes the derivative. */
bool fuse_is_derived(const struct tape *tape, const struct layer *layer);

#endif
