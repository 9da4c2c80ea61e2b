#include "bench/alone.h"

#include "base/memory.h"
#include "compute/graph/layer.h"
#include "compute/graph/lower.h"

struct holder_options {
    int64_t parameters;
};

static const struct option holder_options[] = {
    {.name = "parameters",
     .type = OPTION_INT,
     .offset = offsetof(struct holder_options, parameters),
     .fallback = "0",
     .help = "floats"},
    OPTIONS_END,
};

static enum status holder_infer(struct layer *layer)
{
    int64_t count = ((const struct holder_options *)layer->options)->parameters;
    struct parameter parameter = {
        .kind = PARAMETER_WEIGHT, .rank = 1, .dim = {count}, .elements = round_up_count(count, PARAMETER_ALIGNMENT)};
    return layer_add_parameter(layer, "values", &parameter);
}

/* A layer that only holds parameters. */
static const struct layer_type holder = {
    .name = "holder", .options = holder_options, .options_size = sizeof(struct holder_options), .infer = holder_infer};

static enum status build(struct alone *alone, const struct alone_params *params, struct tape *tape)
{
    struct holder_options options = {.parameters = params->parameters};
    struct layer *layer;
    if (params->parameters > 0) {
        TRY(graph_add(&alone->graph, &(struct layer_params){.type = &holder, .name = "holder", .options = &options},
                      &layer));
    }
    TRY(program_init(&alone->program, &alone->graph, PROGRAM_BLOCK));
    program_reserve(&alone->program, 1, params->slots);
    TRY(engine_create(params->engine, &alone->engine));
    TRY(tape_init(tape, &alone->graph, engine_class(alone->engine), alone->program.flat_count));
    TRY(params->emit(alone, tape, params->context));
    int phase;
    TRY(program_add_tape(&alone->program, "alone", tape, &phase));
    return engine_load(alone->engine, &alone->program);
}

enum status alone_init(struct alone *alone, const struct alone_params *params)
{
    *alone = (struct alone){0};
    graph_init(&alone->graph);
    struct tape tape = {0};
    enum status status = build(alone, params, &tape);
    tape_release(&tape);
    if (status != STATUS_OK) {
        alone_release(alone);
    }
    return status;
}

void alone_release(struct alone *alone)
{
    engine_destroy(alone->engine);
    program_release(&alone->program);
    graph_release(&alone->graph);
}
