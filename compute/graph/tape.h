/*
 * A tape: what one phase runs, as data. Layers append dispatches (kernel, constants, bindings with access, groups) and
 * host steps; plan.h finds memory and barriers; an engine records and replays. A tape can be printed, hashed, compared
 * between ranks and checked without a device.
 */
#ifndef COMPUTE_GRAPH_TAPE_H
#define COMPUTE_GRAPH_TAPE_H

#include <stdint.h>
#include <stdio.h>

#include "base/shards.h"
#include "base/status.h"
#include "compute/graph/graph.h"
#include "compute/graph/tuning.h"

/* Memory by who sees it and how long it lives. Offsets in all but the arena are fixed before lowering. */
enum region {
    REGION_ARENA,      /* activations, gradients of activations, scratch: placed by the plan */
    REGION_PARAMETERS, /* the flat parameters; host: read and written between phases */
    REGION_GRADIENTS,  /* one flat copy a piece; host: read as buckets become ready, sums written back */
    REGION_OPTIMIZER,  /* slots of the optimiser, each as large as the flat parameters; host: at saves and loads */
    REGION_INPUT,      /* the batch; host: written before a phase */
    REGION_OUTPUT,     /* metrics and observed values; host: read after a phase */
    REGION_EXCHANGE,   /* both sides of host steps; host: read and written in the middle of a phase */
    REGION_STEP,       /* struct step_scalars (shaders/step.h); host: written before a phase */
    REGION_CONSTANTS,  /* tables that never change; host: written once */
    REGION_COUNT
};

enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_READ_WRITE = 3 };

enum {
    TENSOR_NONE = -1,
    DISPATCH_MAX_BINDINGS = 10,
    DISPATCH_MAX_CONSTANTS = 16,
    /* Which engines set: the last, see shaders/lib/store.glsl; struct matrix_fragment, see lib/tile_matrix.glsl. */
    DISPATCH_LANES_CONSTANT = 15,
    DISPATCH_FRAGMENT_CONSTANT = 11, /* to 14 */
    DISPATCH_MAX_PUSH = 128,         /* bytes: what every device accepts */
    DISPATCH_MAX_GROUPS = 65535,     /* an axis: likewise */
    DISPATCH_MAX_STORAGE = 1 << 27,  /* bytes a storage buffer: likewise; texel buffers may hold more */
    DISPATCH_MAX_TURNS = 65000,      /* of an invocation's loops: CPU drivers end them after 65,535 together */
    TENSOR_ALIGNMENT = 256,          /* bytes */
    METRIC_COUNT = 4,                /* floats a shard and loss: see tape_metrics() */
};

/* A piece of memory that dispatches touch. */
struct tensor {
    char name[64];
    enum region region;
    uint64_t offset; /* bytes in its region; of an arena tensor unknown until planned */
    uint64_t size;   /* bytes */
};

struct binding {
    int tensor;
    enum access access;
    uint64_t offset; /* bytes from the tensor's start, a multiple of TENSOR_ALIGNMENT */
    uint64_t size;   /* bytes */
};

/* `size` bytes of a binding from its byte `first` on, a multiple of TENSOR_ALIGNMENT. */
static inline struct binding binding_part(struct binding binding, int64_t first, int64_t size)
{
    binding.offset += (uint64_t)first;
    binding.size = (uint64_t)size;
    return binding;
}

enum pass { PASS_FORWARD, PASS_BACKWARD, PASS_UPDATE };

/*
 * One kernel launch. Binding i is `layout(binding = i)` of the shader; the shader says what kind of descriptor it is.
 */
struct dispatch {
    const char *kernel; /* a shader's file name without .comp, and without _cpu */
    struct binding bindings[DISPATCH_MAX_BINDINGS];
    int binding_count;
    uint32_t constants[DISPATCH_MAX_CONSTANTS]; /* specialization constants 0, 1, ... */
    int constant_count;
    unsigned char push[DISPATCH_MAX_PUSH];
    uint32_t push_size;
    uint32_t groups[3];
    double flops; /* useful floating point operations, a multiply-add as two; for explain and bench */
};

/* Something the host does in the middle of a phase, between the dispatches before and behind it. */
enum host_kind {
    /*
     * Sum over all shards of the global batch: input holds one row of `count` floats a local shard, in REGION_EXCHANGE;
     * output gets `count` floats, the rows of all ranks added in tree order.
     */
    HOST_SUM_SHARDS,
};

struct host_step {
    enum host_kind kind;
    struct binding input, output;
    int64_t count;
};

struct tape_step {
    enum { STEP_DISPATCH, STEP_HOST } kind;
    int layer; /* the layer that emitted it, -1: none (sums of gradients, updates) */
    enum pass pass;
    union {
        struct dispatch dispatch;
        struct host_step host;
    };
};

/* Which samples of the global batch this tape works on. */
struct geometry {
    int shards;              /* of the global batch */
    int first_shard;         /* the first one here */
    int shard_count;         /* here */
    int64_t shard_samples;   /* samples a shard */
    struct piece pieces[16]; /* the local shards as sums to hand out; gradient copies first_copy + i */
    int piece_count;
    int first_copy;
};

static inline int64_t geometry_samples(const struct geometry *geometry)
{
    return geometry->shard_samples * geometry->shard_count;
}

enum tape_mode { TAPE_TRAIN, TAPE_EVALUATE };

/* A function of one element, y = f(x). */
struct map {
    uint32_t function; /* MAP_... of shaders/map.h */
    float slope;       /* of MAP_LEAKY_RELU; at least 0, so that the sign of y is that of x */
};

/*
 * What a forward kernel does to each element before it writes it, for layers that were absorbed (fuse.h):
 * y = f((x - mean) * scale + shift + residual), each where it is asked for.
 */
struct epilogue {
    bool normalises, adds;
    struct binding rows;     /* where it normalises: three rows of the channels, padded to 4: mean, scale, shift */
    struct binding residual; /* where it adds: of the layer's output's shape, bound whole */
    struct map map;          /* MAP_COPY: none */
};

struct tape {
    const struct graph *graph;
    enum tape_mode mode;
    enum device_class device_class;
    const struct tuning *tuning; /* how kernels are cut; whoever lowers keeps it */
    int lanes;                   /* class cpu: invocations of a subgroup, 8 or 16 */
    struct geometry geometry;
    int64_t flat_count; /* floats of one gradient copy */

    struct tensor *tensors;
    int tensor_count;
    struct tape_step *steps;
    int step_count;

    int *value_tensors;    /* by value: its memory */
    int *gradient_tensors; /* by value: the sum of its gradients, TENSOR_NONE before it is known or where none flows */
    int *addend_tensors;   /* by value: what its layer's backward must still add, TENSOR_NONE: nothing */
    int *saved;            /* by layer and slot, LAYER_MAX_SAVED each */
    int *absorbers;        /* by layer: the layer whose forward does its work too (fuse.h), -1: it has its own */
    int *residuals;        /* by layer: the value that it adds for a layer that it absorbed, -1: none */
    int region_tensors[REGION_COUNT];    /* a tensor over each fixed region that is bound by offset */
    uint64_t region_sizes[REGION_COUNT]; /* bytes this tape needs in INPUT, OUTPUT, EXCHANGE */
    int metrics_tensor;                  /* of the first loss; those of further losses follow it */
    int weights_tensor;                  /* one float a sample: 1, or 0 for a sample that only fills up the batch */

    int layer; /* what is emitted now, for tape_step.layer and .pass */
    enum pass pass;
    struct epilogue epilogue;           /* of the layer that is emitted now */
    struct contribution *contributions; /* gradients of values not yet added up; see lower.c */
    int contribution_count;
};

/* --- for layers ----------------------------------------------------------------------------------------------- */

/* New memory in the arena for `size` bytes: alive from the first dispatch that touches it to the last. */
enum status tape_scratch(struct tape *tape, const char *name, uint64_t size, int *tensor) MUST_CHECK;
/* New memory that host steps see. */
enum status tape_exchange(struct tape *tape, const char *name, uint64_t size, int *tensor) MUST_CHECK;
/* Remembers memory from forward() for backward(). */
void tape_save(struct tape *tape, const struct layer *layer, int slot, int tensor);
int tape_saved(const struct tape *tape, const struct layer *layer, int slot);

/* All of a tensor. TENSOR_NONE must not be bound. */
struct binding tape_bind(const struct tape *tape, int tensor, enum access access);

int tape_input(const struct tape *tape, const struct layer *layer, int input);
int tape_output(const struct tape *tape, const struct layer *layer, int output);
/* The gradient that reaches an output; TENSOR_NONE where none does. */
int tape_output_gradient(const struct tape *tape, const struct layer *layer, int output);
/* To be added to it, for layers whose type says that they do; TENSOR_NONE: nothing. */
int tape_output_gradient_addend(const struct tape *tape, const struct layer *layer, int output);
/* Where to write the gradient of an input: *tensor is new memory, or TENSOR_NONE where nobody needs it. */
enum status tape_input_gradient(struct tape *tape, const struct layer *layer, int input, int *tensor) MUST_CHECK;
/*
 * For layers that hand memory through: the output is `tensor` itself (false: it must be written, because the host reads
 * it); the gradient of the input is `tensor` itself. Memory is written once, so sharing it is safe.
 */
bool tape_alias_output(struct tape *tape, const struct layer *layer, int output, int tensor);
enum status tape_alias_input_gradient(struct tape *tape, const struct layer *layer, int input, int tensor) MUST_CHECK;
/*
 * What forward() must do to each element that it writes; nothing but for layers whose type says that they can. The
 * output's channel padding stays zero. In backward(), for layers that derive: the map through which the gradient comes.
 */
const struct epilogue *tape_epilogue(const struct tape *tape);
/* Parameter `parameter` of the layer (0, 1, ... in the order added), read or (buffers never) written. */
struct binding tape_parameter(const struct tape *tape, const struct layer *layer, int parameter);
/* Where the sum over piece `piece` (0 .. geometry.piece_count - 1) of a parameter's gradient goes. */
struct binding tape_parameter_gradient(const struct tape *tape, const struct layer *layer, int parameter, int piece);
/* struct step_scalars, to read. */
struct binding tape_step_scalars(const struct tape *tape);
/* One float a local sample, to read. */
struct binding tape_weights(const struct tape *tape);
/*
 * Where a loss writes its metrics: METRIC_COUNT floats a local shard: the sum of weighted losses, the sum of weights,
 * the weighted number of correct predictions (or the sum of absolute errors), 0.
 */
struct binding tape_metrics(const struct tape *tape);

/* Appends a copy of `dispatch`. */
enum status tape_dispatch(struct tape *tape, const struct dispatch *dispatch) MUST_CHECK;
enum status tape_host_step(struct tape *tape, const struct host_step *step) MUST_CHECK;

/* Sets push constants from a struct shared with the shader. */
#define dispatch_push(dispatch, values)                                                                                \
    do {                                                                                                               \
        _Static_assert(sizeof(values) <= DISPATCH_MAX_PUSH, "push constants are too large");                           \
        memcpy((dispatch)->push, &(values), sizeof(values));                                                           \
        (dispatch)->push_size = sizeof(values);                                                                        \
    } while (0)
/*
 * Spreads `total` workgroups over the grid's x and y, neither above DISPATCH_MAX_GROUPS; the shader finds its number as
 * gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x and returns where it is `total` or above.
 */
void dispatch_groups(struct dispatch *dispatch, uint64_t total);

/* --- for those who make and read tapes ------------------------------------------------------------------------ */

void tape_release(struct tape *tape);
/* Prints every step with its bindings, for tests and for eyes. */
void tape_print(const struct tape *tape, FILE *file);

#endif
