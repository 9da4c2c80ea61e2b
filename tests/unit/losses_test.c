/* What losses do at the edges: ties, labels that name no class, samples that only fill up a batch. */
#include "tests/unit/test.h"

#include <math.h>
#include <string.h>

#include "compute/single.h"

enum { SAMPLES = 4, CLASSES = 70, TIED = 66 };

/* The classes of devices take different ways to the largest logit. */
static const enum device_class classes[] = {CLASS_CPU, CLASS_GPU};

struct fixture {
    struct engine_params engine;
    struct single *single;
    float logits[SAMPLES * CLASSES];
    int32_t labels[SAMPLES];
    float weights[SAMPLES];
    float gradient[SAMPLES * CLASSES];
    const float *metrics;
};

static void create(struct fixture *fixture, enum device_class device_class, const char *type, struct shape target,
                   enum dtype dtype)
{
    *fixture = (struct fixture){
        .engine = {.kind = ENGINE_VULKAN, .device = -1, .local_size = 1, .device_class = (int)device_class}};
    struct shape inputs[] = {shape_vector(CLASSES), target};
    enum dtype dtypes[] = {DTYPE_FLOAT32, dtype};
    struct single_part part = {.shards = 2, .shard_count = 2};
    struct single_params params = {.engine = &fixture->engine,
                                   .type = layer_type_find(type),
                                   .options = "",
                                   .mode = TAPE_TRAIN,
                                   .samples = SAMPLES,
                                   .inputs = inputs,
                                   .dtypes = dtypes,
                                   .input_count = 2,
                                   .parts = &part,
                                   .part_count = 1};
    assert_ok(single_create(&params, &fixture->single));
    single_scalars(fixture->single)->loss_scale = 0.5F;
    for (int i = 0; i < SAMPLES; i++) {
        fixture->weights[i] = 1.0F;
    }
}

static void run(struct fixture *fixture, const void *target)
{
    single_write_input(fixture->single, 0, 0, fixture->logits);
    single_write_input(fixture->single, 0, 1, target);
    single_write_weights(fixture->single, 0, fixture->weights);
    assert_ok(single_run(fixture->single, 0, NULL, NULL));
    assert_ok(single_read_input_gradient(fixture->single, 0, 0, fixture->gradient));
    fixture->metrics = single_metrics(fixture->single, 0);
}

static void of_equal_logits_the_first_is_predicted(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct fixture f;
        create(&f, classes[c], "softmax_cross_entropy", shape_scalar(), DTYPE_INT32);
        /* All equal; a pair far apart; a pair among neighbours; the largest alone. */
        f.logits[CLASSES + 3] = f.logits[CLASSES + TIED] = 2.0F;
        f.logits[2 * CLASSES + 5] = f.logits[2 * CLASSES + 6] = 1.0F;
        f.logits[3 * CLASSES + 69] = 1.0F;
        memcpy(f.labels, (int32_t[]){0, 3, 5, 69}, sizeof f.labels);
        run(&f, f.labels);
        assert_true(f.metrics[2] == 2.0F && f.metrics[METRIC_COUNT + 2] == 2.0F);
        memcpy(f.labels, (int32_t[]){69, TIED, 6, 0}, sizeof f.labels);
        run(&f, f.labels);
        assert_true(f.metrics[2] == 0.0F && f.metrics[METRIC_COUNT + 2] == 0.0F);
        single_destroy(f.single);
    }
}

static void labels_outside_give_nan(void **state)
{
    (void)state;
    static const int32_t wrong[] = {-1, CLASSES, INT32_MAX, INT32_MIN};
    for (size_t c = 0; c < 2; c++) {
        struct fixture f;
        create(&f, classes[c], "softmax_cross_entropy", shape_scalar(), DTYPE_INT32);
        for (size_t i = 0; i < 4; i++) {
            memcpy(f.labels, (int32_t[]){1, wrong[i], 2, 3}, sizeof f.labels);
            run(&f, f.labels);
            assert_true(isnan(f.metrics[0]));
            assert_true(isnan(f.gradient[CLASSES]) && isnan(f.gradient[2 * CLASSES - 1]));
            /* The others are as they were. */
            assert_true(fabsf(f.metrics[METRIC_COUNT] - 2.0F * logf(CLASSES)) < 1e-5F);
            assert_true(fabsf(f.gradient[0] - 0.5F / CLASSES) < 1e-8F);
        }
        single_destroy(f.single);
    }
}

static void logits_that_are_not_finite_give_nan(void **state)
{
    (void)state;
    static const float wrong[] = {NAN, INFINITY};
    for (size_t c = 0; c < 2; c++) {
        struct fixture f;
        create(&f, classes[c], "softmax_cross_entropy", shape_scalar(), DTYPE_INT32);
        for (size_t i = 0; i < 2; i++) {
            f.logits[37] = wrong[i];
            run(&f, f.labels);
            assert_true(isnan(f.metrics[0]) && !isnan(f.metrics[METRIC_COUNT]));
            assert_true(isnan(f.gradient[37]));
        }
        single_destroy(f.single);
    }
}

static void samples_without_weight_count_nothing(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct fixture f;
        create(&f, classes[c], "softmax_cross_entropy", shape_scalar(), DTYPE_INT32);
        f.weights[1] = f.weights[2] = f.weights[3] = 0.0F;
        f.labels[1] = -7;
        f.logits[2 * CLASSES] = NAN;
        f.logits[3 * CLASSES] = INFINITY;
        run(&f, f.labels);
        assert_true(fabsf(f.metrics[0] - logf(CLASSES)) < 1e-5F && f.metrics[1] == 1.0F && f.metrics[2] == 1.0F);
        for (int i = 0; i < METRIC_COUNT; i++) {
            assert_true(f.metrics[METRIC_COUNT + i] == 0.0F);
        }
        for (int i = CLASSES; i < SAMPLES * CLASSES; i++) {
            assert_true(f.gradient[i] == 0.0F);
        }
        single_destroy(f.single);
    }
}

static void errors_without_weight_count_nothing(void **state)
{
    (void)state;
    struct fixture f;
    static const float target[SAMPLES * CLASSES];
    create(&f, CLASS_CPU, "mse", shape_vector(CLASSES), DTYPE_FLOAT32);
    f.weights[1] = 0.0F;
    f.logits[CLASSES] = NAN;
    f.logits[0] = 2.0F;
    run(&f, target);
    assert_true(fabsf(f.metrics[0] - 4.0F / CLASSES) < 1e-7F && f.metrics[1] == 1.0F);
    assert_true(fabsf(f.metrics[2] - 2.0F / CLASSES) < 1e-7F);
    assert_true(fabsf(f.gradient[0] - 0.5F * 4.0F / CLASSES) < 1e-8F && f.gradient[CLASSES] == 0.0F);
    f.weights[1] = 1.0F;
    run(&f, target);
    assert_true(isnan(f.metrics[0]) && isnan(f.gradient[CLASSES]));
    single_destroy(f.single);
}

/* Adds the loss to a graph whose inputs have these shapes. */
static enum status infer(const char *type, struct shape prediction, struct shape target, enum dtype dtype)
{
    struct graph graph;
    graph_init(&graph);
    int inputs[2];
    struct layer *layer;
    assert_ok(graph_add_input(&graph, "prediction", prediction, DTYPE_FLOAT32, &inputs[0]));
    assert_ok(graph_add_input(&graph, "target", target, dtype, &inputs[1]));
    enum status status =
        graph_add(&graph,
                  &(struct layer_params){
                      .type = layer_type_find(type), .name = "loss", .options = "", .inputs = inputs, .input_count = 2},
                  &layer);
    graph_release(&graph);
    return status;
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const struct shape sequence = {.rank = 2, .dim = {3, 5}};
    const struct shape plane = {.rank = 2, .dim = {4, 6}};
    assert_ok(infer("softmax_cross_entropy", shape_vector(10), shape_scalar(), DTYPE_INT32));
    assert_ok(infer("softmax_cross_entropy", sequence, shape_vector(3), DTYPE_INT32));
    assert_ok(infer("softmax_cross_entropy", shape_image(5, 4, 6), plane, DTYPE_INT32));
    assert_int_equal(infer("softmax_cross_entropy", shape_image(5, 6, 4), plane, DTYPE_INT32), STATUS_BAD_INPUT);
    assert_int_equal(infer("softmax_cross_entropy", shape_vector(10), shape_scalar(), DTYPE_FLOAT32), STATUS_BAD_INPUT);
    assert_int_equal(infer("softmax_cross_entropy", shape_vector(10), shape_vector(10), DTYPE_INT32), STATUS_BAD_INPUT);
    assert_int_equal(infer("softmax_cross_entropy", sequence, shape_vector(5), DTYPE_INT32), STATUS_BAD_INPUT);
    assert_int_equal(infer("softmax_cross_entropy", shape_scalar(), shape_scalar(), DTYPE_INT32), STATUS_BAD_INPUT);
    assert_int_equal(infer("softmax_cross_entropy", shape_vector(1 << 20), shape_scalar(), DTYPE_INT32),
                     STATUS_BAD_INPUT);
    assert_ok(infer("mse", plane, plane, DTYPE_FLOAT32));
    assert_int_equal(infer("mse", plane, sequence, DTYPE_FLOAT32), STATUS_BAD_INPUT);
    assert_int_equal(infer("mse", plane, plane, DTYPE_INT32), STATUS_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_equal_logits_the_first_is_predicted),
        cmocka_unit_test(labels_outside_give_nan),
        cmocka_unit_test(logits_that_are_not_finite_give_nan),
        cmocka_unit_test(samples_without_weight_count_nothing),
        cmocka_unit_test(errors_without_weight_count_nothing),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
