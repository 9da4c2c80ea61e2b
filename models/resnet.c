/*
 * Residual networks (He et al., "Deep residual learning for image recognition", 2015) with the names, shapes and
 * initial values of torchvision, so that weights pass both ways. Four stages of blocks; a block is
 *
 *     y = relu(x + f(x))        f: two convolutions of 3 x 3 (basic), or 1 x 1, 3 x 3, 1 x 1 (bottleneck)
 *
 * and each stage but the first begins with a block of stride 2, at twice the channels; x then passes a convolution of
 * 1 x 1 to fit. As in torchvision the stride of a bottleneck stands in its 3 x 3.
 */
#include <inttypes.h>
#include <stddef.h>

#include "models/zoo.h"

enum { STAGES = 4, EXPANSION = 4 };

struct variant {
    int blocks[STAGES];
    bool bottleneck;
};

enum stem { STEM_IMAGENET, STEM_CIFAR };

struct resnet_options {
    int stem;
    int64_t width;
    int statistics;
    bool head;
};

static const char *const stem_names[] = {"imagenet", "cifar", NULL};
static const char *const statistics_names[] = {"shard", "global", NULL};

static const struct option options[] = {
    {.name = "stem",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct resnet_options, stem),
     .fallback = "imagenet",
     .choices = stem_names,
     .help = "the first layer: 7 x 7 with stride 2 and max pooling, for large images; or 3 x 3 alone, for small ones"},
    {.name = "width",
     .type = OPTION_INT,
     .offset = offsetof(struct resnet_options, width),
     .fallback = "64",
     .min = 1,
     .max = 4096,
     .help = "channels of the first stage, which double from stage to stage"},
    {.name = "statistics",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct resnet_options, statistics),
     .fallback = "shard",
     .choices = statistics_names,
     .help = "of batch_norm: over each shard of the batch, or the global batch"},
    {.name = "head",
     .type = OPTION_BOOL,
     .offset = offsetof(struct resnet_options, head),
     .fallback = "yes",
     .help = "end with average pooling and fc, one output a class; no: end with the features of the last stage"},
    OPTIONS_END,
};

struct resnet {
    struct network *network;
    const struct resnet_options *options;
    const struct variant *variant;
};

static enum status convolve(const struct resnet *resnet, int *value, const char *name, int64_t channels, int kernel,
                            int stride)
{
    return network_add_with(resnet->network, value, "conv2d", name,
                            "channels = %" PRId64 ", kernel = %d, stride = %d, padding = %d, bias = no, "
                            "initial = kaiming_normal_fan_out",
                            channels, kernel, stride, kernel / 2);
}

static enum status normalize(const struct resnet *resnet, int *value, const char *name)
{
    return network_add_with(resnet->network, value, "batch_norm", name, "statistics = %s",
                            statistics_names[resnet->options->statistics]);
}

static enum status rectify(const struct resnet *resnet, int *value, const char *name)
{
    return network_add(resnet->network, value, "relu", name);
}

static enum status add_basic(const struct resnet *resnet, int *value, int64_t channels, int stride)
{
    TRY(convolve(resnet, value, "conv1", channels, 3, stride));
    TRY(normalize(resnet, value, "bn1"));
    TRY(rectify(resnet, value, "relu1"));
    TRY(convolve(resnet, value, "conv2", channels, 3, 1));
    return normalize(resnet, value, "bn2");
}

static enum status add_bottleneck(const struct resnet *resnet, int *value, int64_t channels, int stride)
{
    TRY(convolve(resnet, value, "conv1", channels, 1, 1));
    TRY(normalize(resnet, value, "bn1"));
    TRY(rectify(resnet, value, "relu1"));
    TRY(convolve(resnet, value, "conv2", channels, 3, stride));
    TRY(normalize(resnet, value, "bn2"));
    TRY(rectify(resnet, value, "relu2"));
    TRY(convolve(resnet, value, "conv3", EXPANSION * channels, 1, 1));
    return normalize(resnet, value, "bn3");
}

static enum status add_block(const struct resnet *resnet, int *value, int64_t channels, int stride)
{
    int shortcut = *value;
    TRY(resnet->variant->bottleneck ? add_bottleneck(resnet, value, channels, stride)
                                    : add_basic(resnet, value, channels, stride));
    int64_t made = shape_channels(network_shape(resnet->network, *value));
    if (shape_channels(network_shape(resnet->network, shortcut)) != made) { /* so it is where the stride is 2 */
        TRY(convolve(resnet, &shortcut, "downsample.0", made, 1, stride));
        TRY(normalize(resnet, &shortcut, "downsample.1"));
    }
    TRY(network_join(resnet->network, value, shortcut, "add", "add"));
    return rectify(resnet, value, "relu");
}

static enum status add_stem(const struct resnet *resnet, int *value)
{
    bool small = resnet->options->stem == STEM_CIFAR;
    TRY(convolve(resnet, value, "conv1", resnet->options->width, small ? 3 : 7, small ? 1 : 2));
    TRY(normalize(resnet, value, "bn1"));
    TRY(rectify(resnet, value, "relu"));
    return small ? STATUS_OK
                 : network_add_with(resnet->network, value, "max_pool2d", "maxpool",
                                    "kernel = 3, stride = 2, padding = 1");
}

static enum status build(const struct architecture *architecture, const void *values, struct network *network,
                         int *value)
{
    const struct resnet resnet = {.network = network, .options = values, .variant = architecture->variant};
    TRY(add_stem(&resnet, value));
    for (int stage = 0; stage < STAGES; stage++) {
        for (int block = 0; block < resnet.variant->blocks[stage]; block++) {
            int stride = stage > 0 && block == 0 ? 2 : 1;
            TRY(network_scope(network, "layer%d.%d.", stage + 1, block));
            TRY(add_block(&resnet, value, resnet.options->width << stage, stride));
        }
    }
    network->scope[0] = '\0';
    if (!resnet.options->head) {
        return STATUS_OK;
    }
    TRY(network_add(network, value, "global_avg_pool2d", "avgpool"));
    return network_add_with(network, value, "linear", "fc", "features = %" PRId64, network->outputs);
}

static const struct variant variant18 = {.blocks = {2, 2, 2, 2}};
static const struct variant variant34 = {.blocks = {3, 4, 6, 3}};
static const struct variant variant50 = {.blocks = {3, 4, 6, 3}, .bottleneck = true};

const struct architecture architecture_resnet18 = {
    .name = "resnet18",
    .help = "a residual network of 18 layers, 11 million parameters",
    .options = options,
    .options_size = sizeof(struct resnet_options),
    .variant = &variant18,
    .build = build,
};

const struct architecture architecture_resnet34 = {
    .name = "resnet34",
    .help = "a residual network of 34 layers, 21 million parameters",
    .options = options,
    .options_size = sizeof(struct resnet_options),
    .variant = &variant34,
    .build = build,
};

const struct architecture architecture_resnet50 = {
    .name = "resnet50",
    .help = "a residual network of 50 layers in bottlenecks, 24 million parameters",
    .options = options,
    .options_size = sizeof(struct resnet_options),
    .variant = &variant50,
    .build = build,
};
