/* The option tables that the tests of configs/ read with. */
#ifndef TESTS_UNIT_CONFIG_TEST_H
#define TESTS_UNIT_CONFIG_TEST_H

#include "tests/unit/test.h"

#include "configs/config.h"

struct run_values {
    char *name;
    int64_t seed;
    int64_t epochs;
};

struct optimizer_values {
    int type;
    double learning_rate;
    double momentum;
};

struct layer_values {
    char *type;
    int64_t channels;
    int64_t kernel[2];
};

static const char *const optimizer_types[] = {"sgd", "adamw", NULL};

static const struct option run_options[] = {
    {"name", OPTION_STRING, offsetof(struct run_values, name), "", 0, 0, NULL, "The name of the run."},
    {"seed", OPTION_INT, offsetof(struct run_values, seed), "1", 0, 0, NULL, "Where chance begins."},
    {"epochs", OPTION_INT, offsetof(struct run_values, epochs), "5", 1, 1000, NULL, "Passes over the data."},
    OPTIONS_END,
};

static const struct option optimizer_options[] = {
    {"type", OPTION_CHOICE, offsetof(struct optimizer_values, type), NULL, 0, 0, optimizer_types, "The rule."},
    {"learning_rate", OPTION_FLOAT, offsetof(struct optimizer_values, learning_rate), "1e-3", 0, 1000, NULL, "Step."},
    {"momentum", OPTION_FLOAT, offsetof(struct optimizer_values, momentum), "0.9", 0, 1, NULL, "Inertia."},
    OPTIONS_END,
};

/* Two tables that share a section. */
static const struct option layer_options[] = {
    {"type", OPTION_STRING, offsetof(struct layer_values, type), NULL, 0, 0, NULL, "What the layer does."},
    OPTIONS_END,
};

static const struct option conv_options[] = {
    {"channels", OPTION_INT, offsetof(struct layer_values, channels), "8", 1, 4096, NULL, "Channels that go out."},
    {"kernel", OPTION_PAIR, offsetof(struct layer_values, kernel), "3", 1, 11, NULL, "The size of the window."},
    OPTIONS_END,
};

/* Reads all that the tables know, as a program would, and returns what config_check() says. */
static inline enum status read_all(struct config *config)
{
    struct run_values run;
    struct optimizer_values optimizer;
    assert_ok(config_read(config, "run", run_options, &run));
    assert_ok(config_read(config, "optimizer", optimizer_options, &optimizer));
    option_release(run_options, &run);
    const char *name;
    for (size_t i = 0; (name = config_section_name(config, "layer ", i)) != NULL; i++) {
        struct layer_values layer;
        assert_ok(config_read(config, name, layer_options, &layer));
        assert_ok(config_read(config, name, conv_options, &layer));
        option_release(layer_options, &layer);
    }
    return config_check(config);
}

#endif
