/* Networks from configs: what the zoo builds, what may stand behind it, and what users are told. */
#include "tests/unit/test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "compute/engine.h"
#include "compute/graph/lower.h"
#include "models/model.h"
#include "models/zoo.h"

static const struct model_field photographs[] = {
    {.name = "image", .shape = {.rank = 3, .dim = {3, 224, 224}}, .dtype = DTYPE_FLOAT32},
    {.name = "label", .shape = {.rank = 0}, .dtype = DTYPE_INT32}};
static const struct model_field icons[] = {
    {.name = "image", .shape = {.rank = 3, .dim = {3, 32, 32}}, .dtype = DTYPE_FLOAT32},
    {.name = "label", .shape = {.rank = 0}, .dtype = DTYPE_INT32}};
static const struct model_field vectors[] = {
    {.name = "features", .shape = {.rank = 1, .dim = {7}}, .dtype = DTYPE_FLOAT32},
    {.name = "label", .shape = {.rank = 0}, .dtype = DTYPE_INT32}};

/* model_create() and config_check(); *model is to be released in any case. */
static enum status try_model(const char *text, const struct model_field *fields, int64_t outputs, struct model *model)
{
    struct config *config;
    struct model_params params = {.fields = fields, .field_count = 2, .outputs = outputs, .is_class = true};
    assert_ok(config_parse("test.ini", text, NULL, 0, &config));
    enum status status = model_create(config, &params, model);
    if (status == STATUS_OK) {
        status = config_check(config);
    }
    config_destroy(config);
    return status;
}

static void create(const char *text, const struct model_field *fields, int64_t outputs, struct model *model)
{
    assert_ok(try_model(text, fields, outputs, model));
}

/* The user must be told `part`, and nothing more where `part` is the whole message. */
static void refuse(const char *text, const struct model_field *fields, const char *part)
{
    struct model model;
    enum status status = try_model(text, fields, 10, &model);
    if (status != STATUS_BAD_INPUT || strstr(status_message(), part) == NULL ||
        strchr(status_message(), '\n') != NULL) {
        fail_msg("wanted \"%s\" alone, got status %d: %s", part, (int)status, status_message());
    }
    model_release(&model);
}

static void assert_shape(const struct model *model, const char *value, struct shape shape)
{
    int index = graph_find_value(&model->graph, value);
    if (index < 0) {
        fail_msg("there is no value %s", value);
    }
    char actual[SHAPE_TEXT_SIZE];
    char expected[SHAPE_TEXT_SIZE];
    assert_string_equal(shape_format(model->graph.values[index].shape, actual), shape_format(shape, expected));
}

static void architectures_have_the_sizes_of_torchvision(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        int64_t parameters;
    } cases[] = {{"[model]\narchitecture = resnet18\n", 11689512},
                 {"[model]\narchitecture = resnet34\n", 21797672},
                 {"[model]\narchitecture = resnet50\n", 25557032}};
    size_t count = 0;
    for (; architectures[count] != NULL; count++) {
        struct model model;
        assert_true(count < COUNT_OF(cases));
        create(cases[count].config, photographs, 1000, &model);
        assert_int_equal(graph_parameter_total(&model.graph), cases[count].parameters);
        assert_shape(&model, "conv1", shape_image(64, 112, 112));
        assert_shape(&model, "maxpool", shape_image(64, 56, 56));
        bool bottleneck = strcmp(architectures[count]->name, "resnet50") == 0;
        assert_shape(&model, "layer1.0.relu", shape_image(bottleneck ? 256 : 64, 56, 56));
        assert_shape(&model, "layer4.1.relu", shape_image(bottleneck ? 2048 : 512, 7, 7));
        assert_shape(&model, "fc", shape_vector(1000));
        assert_int_equal(model.prediction, graph_find_value(&model.graph, "fc"));
        assert_int_equal(model.loss_count, 1);
        model_release(&model);
    }
    assert_int_equal(count, COUNT_OF(cases));
}

static void small_images_have_a_stem_of_their_own(void **state)
{
    (void)state;
    struct model model;
    create("[model]\narchitecture = resnet18\nstem = cifar\n", icons, 10, &model);
    assert_int_equal(graph_parameter_total(&model.graph), 11173962);
    assert_int_equal(graph_find_value(&model.graph, "maxpool"), -1);
    assert_shape(&model, "conv1", shape_image(64, 32, 32));
    assert_shape(&model, "layer2.0.downsample.1", shape_image(128, 16, 16));
    assert_shape(&model, "layer4.1.relu", shape_image(512, 4, 4));
    model_release(&model);
    create("[model]\narchitecture = resnet18\nstem = cifar\nwidth = 16\n", icons, 10, &model);
    assert_shape(&model, "conv1", shape_image(16, 32, 32));
    assert_shape(&model, "avgpool", shape_vector(128));
    model_release(&model);
}

static void weights_begin_as_in_torchvision(void **state)
{
    (void)state;
    struct model model;
    create("[model]\narchitecture = resnet18\n", photographs, 1000, &model);
    static const struct {
        const char *name;
        struct initial initial;
    } cases[] = {{"conv1.weight", {INITIAL_NORMAL, 0.0}}, /* sqrt(2 / (64 * 7 * 7)) */
                 {"layer2.0.downsample.0.weight", {INITIAL_NORMAL, 0.125}},
                 {"layer3.1.bn2.weight", {INITIAL_CONSTANT, 1.0}},
                 {"layer3.1.bn2.bias", {INITIAL_CONSTANT, 0.0}},
                 {"layer3.1.bn2.running_mean", {INITIAL_CONSTANT, 0.0}},
                 {"layer3.1.bn2.running_var", {INITIAL_CONSTANT, 1.0}},
                 {"fc.weight", {INITIAL_UNIFORM, 0.0}}, /* 1 / sqrt(512) */
                 {"fc.bias", {INITIAL_UNIFORM, 0.0}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int index = graph_find_parameter(&model.graph, cases[i].name);
        assert_true(index >= 0);
        struct initial expected = cases[i].initial;
        if (i == 0) {
            expected.a = sqrt(2.0 / (64 * 7 * 7));
        } else if (expected.kind == INITIAL_UNIFORM) {
            expected.a = 1.0 / sqrt(512.0);
        }
        assert_int_equal(model.graph.parameters[index].initial.kind, expected.kind);
        assert_true(fabs(model.graph.parameters[index].initial.a - expected.a) < 1e-12);
    }
    assert_int_equal(graph_find_parameter(&model.graph, "conv1.bias"), -1);
    model_release(&model);
}

static void layers_may_follow_an_architecture(void **state)
{
    (void)state;
    struct model model;
    create("[model]\narchitecture = resnet18\nstem = cifar\nhead = no\n"
           "[layer pool]\ntype = global_avg_pool2d\ninput = layer3.1.relu\n"
           "[layer last]\ntype = global_avg_pool2d\ninput = layer4.1.relu\n"
           "[layer logits]\ntype = linear\nfeatures = 10\n",
           icons, 10, &model);
    assert_int_equal(graph_find_value(&model.graph, "avgpool"), -1);
    assert_int_equal(graph_find_value(&model.graph, "fc"), -1);
    assert_shape(&model, "pool", shape_vector(256));
    assert_shape(&model, "logits", shape_vector(10));
    assert_int_equal(model.prediction, graph_find_value(&model.graph, "logits"));
    model_release(&model);
    create("[model]\narchitecture = resnet18\nstem = cifar\n[layer drop]\ntype = dropout\n", icons, 10, &model);
    assert_int_equal(model.prediction, graph_find_value(&model.graph, "drop"));
    model_release(&model);
}

static void global_statistics_reach_every_batch_norm(void **state)
{
    (void)state;
    struct model model;
    create("[model]\narchitecture = resnet18\nstatistics = global\n", photographs, 10, &model);
    int count = 0;
    for (int i = 0; i < model.graph.layer_count; i++) {
        const struct layer *layer = model.graph.layers[i];
        if (strcmp(layer->type->name, "batch_norm") == 0) {
            char text[32];
            const struct option *option = option_find(layer->type->options, "statistics");
            assert_ok(option_format(option, layer->options, text, sizeof text));
            assert_string_equal(text, "global");
            count++;
        }
    }
    assert_int_equal(count, 20);
    model_release(&model);
}

static void a_plan_passes_the_null_engine(void **state)
{
    (void)state;
    struct model model;
    struct program program;
    struct engine *engine;
    create("[model]\narchitecture = resnet18\nstem = cifar\n", icons, 10, &model);
    assert_ok(program_init(&program, &model.graph, 1 << 20));
    program_reserve(&program, 1, 1);
    const struct engine_params params = {.kind = ENGINE_NULL, .device = -1, .local_size = 1, .device_class = -1};
    assert_ok(engine_create(&params, &engine));
    struct lower_params lower = {.graph = &model.graph,
                                 .device_class = engine_class(engine),
                                 .flat_count = program.flat_count,
                                 .geometry = {.shards = 8,
                                              .first_shard = 4,
                                              .shard_count = 4,
                                              .shard_samples = 2,
                                              .pieces = {{.first = 4, .count = 4}},
                                              .piece_count = 1},
                                 .observed = &model.prediction,
                                 .observed_count = 1};
    int phase;
    lower.mode = TAPE_TRAIN;
    assert_ok(program_add_phase(&program, "train", &lower, true, &phase));
    lower.mode = TAPE_EVALUATE;
    assert_ok(program_add_phase(&program, "evaluate", &lower, false, &phase));
    assert_ok(engine_load(engine, &program));
    for (phase = 0; phase < 2; phase++) {
        struct engine_event event;
        int buckets = 0;
        assert_ok(engine_begin(engine, phase));
        do {
            assert_ok(engine_poll(engine, 1000, &event));
            buckets += event.kind == EVENT_BUCKETS ? event.bucket_count : 0;
        } while (event.kind != EVENT_DONE);
        assert_int_equal(buckets, phase == 0 ? program.bucket_count : 0);
    }
    engine_destroy(engine);
    program_release(&program);
    model_release(&model);
}

static void users_are_told_once_what_is_wrong(void **state)
{
    (void)state;
    refuse("[model]\n", photographs, "there are no layers: set architecture, or add sections");
    refuse("[model]\narchitecture = resnet19\nstem = cifar\n", photographs, "architecture = resnet19");
    refuse("[model]\narchitecture = resnet18\nstam = cifar\n", photographs, "did you mean \"stem\"");
    refuse("[model]\narchitecture = resnet18\nwidth = 0\n[layer drop]\ntype = dropout\n", photographs, "width = 0");
    refuse("[model]\nstem = cifar\n[layer pool]\ntype = global_avg_pool2d\n[layer head]\ntype = linear\n", photographs,
           "stem");
    refuse("[layer pool]\ntype = global_avg_pool2d\n[layer head]\ntype = linear\nfeatures = 5\n", photographs,
           "its input head has 5 outputs, but the data have 10 classes");
    refuse("[model]\ninput = imag\narchitecture = resnet18\n", photographs, "did you mean \"image\"");
    refuse("[model]\narchitecture = resnet18\n", vectors, "test.ini:2: [model] architecture: layer conv1 (conv2d)");
    refuse("[model]\narchitecture = resnet18\n[layer fc]\ntype = dropout\n", photographs,
           "the name \"fc\" stands for a field of the data");
}

static void a_layer_that_failed_is_told_alone(void **state)
{
    (void)state;
    /* By a wrong input, type or key: what reads it, and the loss, are not to blame. */
    static const char *const wrong[] = {"type = relu\ninput = imagee", "type = rely",
                                        "type = max_pool2d\nkernel = 250x3", "type = max_pool2d\nkernel = two",
                                        "type = max_pool2d\npadding = 5\nkernel = 2"};
    static const char *const parts[] = {"did you mean \"image\"", "did you mean \"relu\"",
                                        "[layer a] max_pool2d: the window", "kernel = two",
                                        "[layer a] max_pool2d: padding 5"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "[layer a]\n%s\n[layer b]\ntype = relu\n[layer c]\ntype = add\ninput = a, b\n[layer d]\ntype = "
                 "relu\ninput = image\n[layer e]\ntype = mse\ninput = c\n",
                 wrong[i]);
        refuse(text, photographs, parts[i]);
    }
    refuse("[layer a]\ntype = relu\ninput = b\n[layer b]\ntype = relu\ninput = image\n", photographs,
           "[layer a] input: [layer b] does not stand above this layer");
}

static void only_a_head_takes_its_size_from_the_data(void **state)
{
    (void)state;
    refuse("[layer hidden]\ntype = linear\n[layer relu]\ntype = relu\n[layer head]\ntype = linear\n", vectors,
           "test.ini:1: [layer hidden] set features: only a layer whose output goes to a loss");
    struct model model;
    create("[layer a]\ntype = linear\n[layer b]\ntype = linear\ninput = features\n[layer sum]\ntype = add\n"
           "input = a, b\n[layer drop]\ntype = dropout\n",
           vectors, 10, &model);
    assert_shape(&model, "drop", shape_vector(10));
    model_release(&model);
}

static void keys_of_architectures_are_their_own(void **state)
{
    (void)state;
    for (int i = 0; architectures[i] != NULL; i++) {
        assert_string_equal(architecture_choices[i + 1], architectures[i]->name);
        for (const struct option *option = architectures[i]->options; option->name != NULL; option++) {
            assert_null(option_find(model_option_table, option->name));
        }
    }
}

static void wrong_options_of_a_network_in_c_are_told(void **state)
{
    (void)state;
    struct graph graph;
    struct network network = {.graph = &graph};
    int value;
    graph_init(&graph);
    assert_ok(graph_add_input(&graph, "image", shape_image(3, 8, 8), DTYPE_FLOAT32, &value));
    int before = value;
    assert_int_equal(network_add(&network, &value, "convolution", "a"), STATUS_FAILED);
    assert_int_equal(network_add_with(&network, &value, "max_pool2d", "a", "%s", "kernel = 2, step = 3"),
                     STATUS_BAD_INPUT);
    assert_string_equal(status_message(), "max_pool2d has no option step");
    assert_int_equal(network_add_with(&network, &value, "max_pool2d", "a", "%s", "kernel"), STATUS_BAD_INPUT);
    assert_int_equal(network_add_with(&network, &value, "max_pool2d", "a", "%s", "kernel = x"), STATUS_BAD_INPUT);
    assert_int_equal(network_add_with(&network, &value, "max_pool2d", "a", "kernel = %400d", 2), STATUS_FAILED);
    assert_int_equal(network_scope(&network, "%100d", 1), STATUS_FAILED);
    assert_int_equal(value, before);
    assert_ok(network_scope(&network, "block%d.", 3));
    assert_ok(network_add_with(&network, &value, "max_pool2d", "pool", "kernel = %dx%d,\nstride=1\n", 2, 4));
    assert_string_equal(graph.values[value].name, "block3.pool");
    assert_true(shape_equal(network_shape(&network, value), shape_image(3, 7, 5)));
    graph_release(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(architectures_have_the_sizes_of_torchvision),
        cmocka_unit_test(small_images_have_a_stem_of_their_own),
        cmocka_unit_test(weights_begin_as_in_torchvision),
        cmocka_unit_test(layers_may_follow_an_architecture),
        cmocka_unit_test(global_statistics_reach_every_batch_norm),
        cmocka_unit_test(a_plan_passes_the_null_engine),
        cmocka_unit_test(users_are_told_once_what_is_wrong),
        cmocka_unit_test(a_layer_that_failed_is_told_alone),
        cmocka_unit_test(only_a_head_takes_its_size_from_the_data),
        cmocka_unit_test(keys_of_architectures_are_their_own),
        cmocka_unit_test(wrong_options_of_a_network_in_c_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
