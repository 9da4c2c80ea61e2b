/* lemnos show: what is in a checkpoint, a config, a dataset. */
#include "cli/show.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/subject.h"
#include "compute/graph/layer.h"
#include "models/model.h"
#include "models/zoo.h"
#include "train/options.h"
#include "train/snapshot.h"

/* --- a checkpoint ------------------------------------------------------------------------------------------------- */

static double element(const struct array *array, int64_t index)
{
    switch (array->type) {
    case ARRAY_FLOAT32:
        return (double)((const float *)array->data)[index];
    case ARRAY_FLOAT64:
        return ((const double *)array->data)[index];
    case ARRAY_INT64:
        return (double)((const int64_t *)array->data)[index];
    }
    return NAN;
}

static void print_array(const struct array *array)
{
    char shape[ARRAY_MAX_RANK * 24] = "one number";
    size_t used = 0;
    for (int i = 0; i < array->rank; i++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRId64, i > 0 ? " x " : "", array->dim[i]);
    }
    int64_t count = array_count(array);
    double sum = 0;
    double squares = 0;
    double least = INFINITY;
    double most = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        double value = element(array, i);
        least = value < least ? value : least;
        most = value > most ? value : most;
        sum += value;
    }
    for (int64_t i = 0; i < count; i++) {
        double distance = element(array, i) - sum / (double)count;
        squares += distance * distance;
    }
    printf("%-36s %-18s", array->path, shape);
    if (count > 0) {
        printf(" %11.4g %11.4g %11.4g %11.4g", least, sum / (double)count, most, sqrt(squares / (double)count));
    }
    printf("\n");
}

static enum status show_checkpoint(const struct subject *subject)
{
    const struct checkpoint *checkpoint = subject->checkpoint;
    char digest[DIGEST_TEXT_SIZE];
    TRY(checkpoint_model_digest(checkpoint, digest));
    printf("%-12s  %s\n", "checkpoint", subject->path);
    printf("%-12s  %" PRId64 " steps, in epoch %" PRId64 "\n", "after", checkpoint->step, snapshot_epoch(checkpoint));
    printf("%-12s  %" PRIu64 "\n", "seed", checkpoint->seed);
    printf("%-12s  %d\n", "ranks", checkpoint->world_size);
    printf("%-12s  %s\n", "model", digest);
    printf("\n%-36s %-18s %11s %11s %11s %11s\n", "array", "shape", "least", "mean", "most", "deviation");
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        print_array(&checkpoint->arrays[i]);
    }
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        printf("\n--- %s\n%s", checkpoint->texts[i].path, checkpoint->texts[i].text);
    }
    return STATUS_OK;
}

/* --- a config ----------------------------------------------------------------------------------------------------- */

/* Reads a section by a table whose struct is not known here, for its problems alone. */
static enum status check_section(struct config *config, const char *section, const struct option *table)
{
    size_t size = 0;
    for (const struct option *option = table; option != NULL && option->name != NULL; option++) {
        size_t end = option->offset + sizeof(int64_t[2]); /* the largest value */
        size = end > size ? end : size;
    }
    if (size == 0) {
        return STATUS_OK;
    }
    char *values;
    TRY(memory_allocate(size, 1, &values));
    enum status status = config_read(config, section, table, values);
    if (status == STATUS_OK) {
        option_release(table, values);
    }
    free(values);
    return status;
}

static enum status check_data(struct config *config)
{
    const char *source = config_get(config, "data", "source", NULL);
    TRY(check_section(config, "data", dataset_options));
    for (int i = 0; source != NULL && dataset_types[i] != NULL; i++) {
        if (strcmp(dataset_types[i]->name, source) == 0) {
            return check_section(config, "data", dataset_types[i]->options);
        }
    }
    config_skip(config, "data"); /* its source is not known, and told already */
    return STATUS_OK;
}

static enum status check_model(struct config *config)
{
    const char *name = config_get(config, "model", "architecture", NULL);
    TRY(check_section(config, "model", model_option_table));
    if (name == NULL || strcmp(name, architecture_choices[0]) == 0) {
        return STATUS_OK;
    }
    for (int i = 0; architectures[i] != NULL; i++) {
        if (strcmp(architectures[i]->name, name) == 0) {
            return check_section(config, "model", architectures[i]->options);
        }
    }
    config_skip(config, "model"); /* told already */
    return STATUS_OK;
}

/* All keys by their tables; neither data nor shapes. */
static enum status check_config(struct config *config)
{
    struct options options;
    TRY(options_read(config, &options));
    options_release(&options);
    TRY(check_data(config));
    TRY(check_model(config));
    const char *section;
    for (size_t i = 0; (section = config_section_name(config, "group ", i)) != NULL; i++) {
        TRY(check_section(config, section, group_option_table));
    }
    for (size_t i = 0; (section = config_section_name(config, "layer ", i)) != NULL; i++) {
        TRY(check_section(config, section, layer_common_table));
        const char *name = config_get(config, section, "type", NULL);
        const struct layer_type *type = name != NULL ? layer_type_find(name) : NULL;
        if (type != NULL) {
            TRY(check_section(config, section, type->options));
        } else if (name != NULL) {
            config_problem(config, section, "type", "there is no layer type \"%s\"; lemnos help config lists them",
                           name);
            config_skip(config, section);
        }
    }
    return config_check(config);
}

static enum status show_config(struct config *config)
{
    struct text text = {0};
    TRY(check_config(config));
    enum status status = config_text(config, &text);
    if (status == STATUS_OK) {
        fputs(text_get(&text), stdout);
    }
    text_release(&text);
    return status;
}

/* --- which of them ------------------------------------------------------------------------------------------------ */

static enum status show_subject(const struct arguments *arguments, const struct subject *subject)
{
    bool digest = arguments_flag(arguments, "digest") != NULL;
    if (arguments_flag(arguments, "data") != NULL) {
        if (digest) {
            return fail(STATUS_BAD_INPUT,
                        "--digest is of a checkpoint's model and --data of its data: give one of them");
        }
        return show_dataset(subject->config, subject->checkpoint);
    }
    if (subject->checkpoint == NULL) {
        return digest ? fail(STATUS_BAD_INPUT, "--digest is of a checkpoint's model; %s is a config", subject->path)
                      : show_config(subject->config);
    }
    if (!digest) {
        return show_checkpoint(subject);
    }
    char text[DIGEST_TEXT_SIZE];
    TRY(checkpoint_model_digest(subject->checkpoint, text));
    printf("%s\n", text);
    return STATUS_OK;
}

static enum status show_run(const struct arguments *arguments, struct comm *comm)
{
    (void)comm;
    struct subject subject;
    TRY(subject_open(arguments, &subject));
    enum status status = show_subject(arguments, &subject);
    subject_release(&subject);
    return status;
}

static const struct flag flags[] = {
    {"digest", NULL, "only the SHA-256 of a checkpoint's model: equal models have equal digests"},
    {"data", NULL, "the data that [data] names: counts, fields, classes, a sample"},
    {.name = NULL},
};

const struct command command_show = {
    .name = "show",
    .help = "show what is in a checkpoint, a run, a config or a dataset",
    .usage = "CHECKPOINT|RUN|CONFIG [section.key=value ...] [--digest | --data]",
    .details = "Of a checkpoint (or a run's newest): what it is, its arrays with their statistics, its config. Of a\n"
               "config: the text that results from includes and overrides, its keys checked.",
    .flags = flags,
    .least_words = 1,
    .most_words = 1,
    .takes_overrides = true,
    .run = show_run,
};
