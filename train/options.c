#include "train/options.h"

#include <string.h>

#include "base/shards.h"

#define RUN(field) offsetof(struct run_options, field)
static const struct option run_table[] = {
    {.name = "name",
     .type = OPTION_STRING,
     .offset = RUN(name),
     .fallback = "run",
     .help = "the run's folder is FOLDER/NAME"},
    {.name = "folder", .type = OPTION_STRING, .offset = RUN(folder), .fallback = "runs", .help = "where runs are kept"},
    {.name = "seed",
     .type = OPTION_INT,
     .offset = RUN(seed),
     .fallback = "1",
     .min = 0,
     .max = 0x1p53,
     .help = "of initial weights, data order and dropout"},
    {.name = "epochs",
     .type = OPTION_INT,
     .offset = RUN(epochs),
     .fallback = "1",
     .min = 1,
     .max = 1e9,
     .help = "passes over the training part, where steps is 0"},
    {.name = "steps",
     .type = OPTION_INT,
     .offset = RUN(steps),
     .fallback = "0",
     .min = 0,
     .max = 1e12,
     .help = "steps of the whole run; 0: as epochs says"},
    {.name = "batch",
     .type = OPTION_INT,
     .offset = RUN(batch),
     .fallback = "32",
     .min = 1,
     .max = 1e7,
     .help = "samples a step, over all ranks together"},
    {.name = "shards",
     .type = OPTION_INT,
     .offset = RUN(shards),
     .fallback = "0",
     .min = 0,
     .max = 4096,
     .help = "equal parts of the batch that sums are formed over; the ranks share them, so at least one a rank; 0: the "
             "largest divisor of batch up to 8"},
    {.name = "accumulate",
     .type = OPTION_INT,
     .offset = RUN(accumulate),
     .fallback = "1",
     .min = 1,
     .max = 64,
     .help = "rounds a step: memory for a part of the batch, the same result as the whole"},
    {.name = "log_every",
     .type = OPTION_INT,
     .offset = RUN(log_every),
     .fallback = "10",
     .min = 1,
     .max = 1e9,
     .help = "steps between lines of metrics.jsonl"},
    OPTIONS_END,
};

static const char *const optimizer_types[] = {"sgd", "adam", "adamw", NULL};
#define OPTIMIZER(field) offsetof(struct optimizer_options, field)
static const struct option optimizer_table[] = {
    {.name = "type",
     .type = OPTION_CHOICE,
     .offset = OPTIMIZER(type),
     .fallback = "sgd",
     .choices = optimizer_types,
     .help = "the update rule, as in torch.optim"},
    {.name = "learning_rate",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(learning_rate),
     .fallback = "0.01",
     .min = 0,
     .max = 1e6,
     .help = "before the schedule"},
    {.name = "momentum",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(momentum),
     .fallback = "0",
     .min = 0,
     .max = 1,
     .help = "of sgd"},
    {.name = "nesterov",
     .type = OPTION_BOOL,
     .offset = OPTIMIZER(nesterov),
     .fallback = "no",
     .help = "Nesterov's momentum, for sgd"},
    {.name = "beta1",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(beta1),
     .fallback = "0.9",
     .min = 0,
     .max = 0.999999,
     .help = "of adam and adamw"},
    {.name = "beta2",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(beta2),
     .fallback = "0.999",
     .min = 0,
     .max = 0.9999999,
     .help = "of adam and adamw"},
    {.name = "epsilon",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(epsilon),
     .fallback = "1e-8",
     .min = 1e-20,
     .max = 1,
     .help = "of adam and adamw"},
    {.name = "weight_decay",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(weight_decay),
     .fallback = "0",
     .min = 0,
     .max = 1e3,
     .help = "of parameters with two dimensions or more"},
    {.name = "weight_decay_vectors",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(weight_decay_vectors),
     .fallback = "0",
     .min = 0,
     .max = 1e3,
     .help = "of biases and normalisation parameters"},
    {.name = "clip_norm",
     .type = OPTION_FLOAT,
     .offset = OPTIMIZER(clip_norm),
     .fallback = "0",
     .min = 0,
     .max = 1e12,
     .help = "the global norm that gradients are scaled down to; 0: no clipping"},
    OPTIONS_END,
};

#define GROUP(field) offsetof(struct group_options, field)
const struct option group_option_table[] = {
    {.name = "parameters",
     .type = OPTION_STRING,
     .offset = GROUP(parameters),
     .fallback = NULL,
     .help = "a pattern of parameter names: head.*, *.bias"},
    {.name = "learning_rate_scale",
     .type = OPTION_FLOAT,
     .offset = GROUP(learning_rate_scale),
     .fallback = "1",
     .min = 0,
     .max = 1e6,
     .help = "multiplies the learning rate; 0 freezes the group, which then does not count for clip_norm either"},
    {.name = "weight_decay",
     .type = OPTION_FLOAT,
     .offset = GROUP(weight_decay),
     .fallback = "0",
     .min = 0,
     .max = 1e3,
     .help = "of the group"},
    OPTIONS_END,
};

static const char *const schedule_types[] = {"constant", "step", "cosine", NULL};
#define SCHEDULE(field) offsetof(struct schedule_options, field)
static const struct option schedule_table[] = {
    {.name = "type",
     .type = OPTION_CHOICE,
     .offset = SCHEDULE(type),
     .fallback = "constant",
     .choices = schedule_types,
     .help = "how the learning rate goes over the run"},
    {.name = "warmup",
     .type = OPTION_INT,
     .offset = SCHEDULE(warmup),
     .fallback = "0",
     .min = 0,
     .max = 1e9,
     .help = "steps in which the rate rises from 0 in a straight line"},
    {.name = "every",
     .type = OPTION_INT,
     .offset = SCHEDULE(every),
     .fallback = "1000",
     .min = 1,
     .max = 1e9,
     .help = "type = step: steps between multiplications by gamma"},
    {.name = "gamma",
     .type = OPTION_FLOAT,
     .offset = SCHEDULE(gamma),
     .fallback = "0.1",
     .min = 0,
     .max = 1,
     .help = "type = step: the factor"},
    {.name = "minimum",
     .type = OPTION_FLOAT,
     .offset = SCHEDULE(minimum),
     .fallback = "0",
     .min = 0,
     .max = 1e6,
     .help = "type = cosine: the learning rate at the end"},
    OPTIONS_END,
};

#define EVALUATION(field) offsetof(struct evaluation_options, field)
static const struct option evaluation_table[] = {
    {.name = "every",
     .type = OPTION_INT,
     .offset = EVALUATION(every),
     .fallback = "0",
     .min = 0,
     .max = 1e12,
     .help = "steps between evaluations on the test part; 0: at the end of every epoch"},
    {.name = "initial",
     .type = OPTION_BOOL,
     .offset = EVALUATION(initial),
     .fallback = "no",
     .help = "evaluate the initial weights too, before the first step"},
    {.name = "table",
     .type = OPTION_INT,
     .offset = EVALUATION(table),
     .fallback = "20",
     .min = 0,
     .max = 1e9,
     .help = "regression: print sample, actual, predicted, error for at most so many samples"},
    OPTIONS_END,
};

#define CHECKPOINT(field) offsetof(struct checkpoint_options, field)
static const struct option checkpoint_table[] = {
    {.name = "every",
     .type = OPTION_INT,
     .offset = CHECKPOINT(every),
     .fallback = "0",
     .min = 0,
     .max = 1e12,
     .help = "steps between checkpoints; 0: at the end of every epoch. The last step is always saved"},
    {.name = "keep",
     .type = OPTION_INT,
     .offset = CHECKPOINT(keep),
     .fallback = "3",
     .min = 1,
     .max = 1e6,
     .help = "the newest so many are kept, and the best"},
    {.name = "initial",
     .type = OPTION_BOOL,
     .offset = CHECKPOINT(initial),
     .fallback = "no",
     .help = "save the initial weights as step 0 too"},
    OPTIONS_END,
};

static const char *const reduce_modes[] = {"tree", "allreduce", NULL};
#define CLUSTER(field) offsetof(struct cluster_options, field)
static const struct option cluster_table[] = {
    {.name = "reduce",
     .type = OPTION_CHOICE,
     .offset = CLUSTER(reduce),
     .fallback = "tree",
     .choices = reduce_modes,
     .help = "tree: the same bits on any number of ranks; allreduce: MPI's own sum"},
    {.name = "bucket_megabytes",
     .type = OPTION_FLOAT,
     .offset = CLUSTER(bucket_megabytes),
     .fallback = "4",
     .min = 0.004,
     .max = 1024,
     .help = "gradients that are summed over the ranks together, while others are computed"},
    OPTIONS_END,
};

static const char *const class_names[] = {"best", "cpu", "gpu", "matrix", NULL};
static const char *const engine_names[] = {"vulkan", "null", NULL};
#define DEVICE(field) offsetof(struct device_options, field)
static const struct option device_table[] = {
    {.name = "class",
     .type = OPTION_CHOICE,
     .offset = DEVICE(device_class),
     .fallback = "best",
     .choices = class_names,
     .help = "the class of kernels; lemnos devices lists what each device can run. matrix, by cooperative matrices, "
             "is taken only where it is asked for"},
    {.name = "index",
     .type = OPTION_INT,
     .offset = DEVICE(index),
     .fallback = "-1",
     .min = -1,
     .max = 1024,
     .help = "the device as lemnos devices counts them; -1: by the rank's number on its host"},
    {.name = "share",
     .type = OPTION_BOOL,
     .offset = DEVICE(share),
     .fallback = "no",
     .help = "let several ranks use one GPU"},
    {.name = "validation",
     .type = OPTION_BOOL,
     .offset = DEVICE(validation),
     .fallback = "no",
     .help = "run under the Vulkan validation layers; any message ends the run"},
    {.name = "engine",
     .type = OPTION_CHOICE,
     .offset = DEVICE(engine),
     .fallback = "vulkan",
     .choices = engine_names,
     .help = "null: check the plans and run nothing"},
    OPTIONS_END,
};

#define SECTION(field) offsetof(struct options, field)
const struct option_section option_sections[] = {
    {"run", "the run as a whole", run_table, SECTION(run)},
    {"optimizer", "the update rule", optimizer_table, SECTION(optimizer)},
    {"schedule", "the learning rate over the run", schedule_table, SECTION(schedule)},
    {"evaluation", "when the test part is evaluated", evaluation_table, SECTION(evaluation)},
    {"checkpoint", "what is saved, and when", checkpoint_table, SECTION(checkpoint)},
    {"cluster", "how ranks work together", cluster_table, SECTION(cluster)},
    {"device", "where kernels run", device_table, SECTION(device)},
    {.name = NULL},
};

/* The run's folder must be one below run.folder, and no path that leads elsewhere. */
static void check_name(struct config *config, const struct run_options *run)
{
    const char *name = run->name;
    if (name[0] == '\0' || name[0] == '.' || name[0] == '-' || strpbrk(name, "/ \t\\") != NULL || strlen(name) > 100) {
        config_problem(config, "run", "name",
                       "\"%.100s\" cannot be a folder of its own: letters, digits, '_', '-' and '.' make a good one",
                       name);
    }
    if (run->folder[0] == '\0') {
        config_problem(config, "run", "folder", "the folder of the runs has no name; \".\" is this one");
    }
}

static void check_shards(struct config *config, struct run_options *run)
{
    if (run->shards == 0) {
        run->shards = shards_default(run->batch, PIECE_MAX_SHARDS);
    }
    if (run->batch % run->shards != 0) {
        config_problem(config, "run", "shards", "shards = %lld does not divide batch = %lld; %d does",
                       (long long)run->shards, (long long)run->batch, shards_default(run->batch, (int)run->shards));
    }
    if (run->accumulate > run->shards) {
        config_problem(config, "run", "accumulate",
                       "accumulate = %lld rounds need as many shards, but there are %lld; set shards to a divisor of "
                       "batch that is at least %lld",
                       (long long)run->accumulate, (long long)run->shards, (long long)run->accumulate);
    }
}

enum status options_read(struct config *config, struct options *options)
{
    for (const struct option_section *section = option_sections; section->name != NULL; section++) {
        TRY(config_read(config, section->name, section->table, (char *)options + section->offset));
    }
    check_name(config, &options->run);
    check_shards(config, &options->run);
    return STATUS_OK;
}

void options_release(struct options *options)
{
    for (const struct option_section *section = option_sections; section->name != NULL; section++) {
        option_release(section->table, (char *)options + section->offset);
    }
}
