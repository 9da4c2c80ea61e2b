#include "data/loader.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/order.h"

enum {
    SLOTS = 3, /* one that the caller looks at and two ahead */
    MESSAGE_SIZE = 4096,
};

struct slot {
    struct batch batch;
    float *weights;
    int64_t *indices;
};

struct loader {
    struct loader_params params;
    int64_t steps;                          /* of one epoch */
    size_t sample_size[DATASET_MAX_FIELDS]; /* bytes */
    uint32_t *order;                        /* of `order_epoch`; NULL for an evaluation */
    int64_t order_epoch;                    /* -1: none yet */
    struct slot slots[SLOTS];

    bool has_mutex, has_changed, has_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Set by a restart or the end under the mutex, and cleared under it where a batch is begun; the thread looks at it
     * between two samples without the mutex. What it was filling then is thrown away. */
    atomic_bool abandon;
    /* Under the mutex: */
    bool stopping;
    int64_t position;   /* the step that the thread fills next */
    uint64_t filled;    /* batches since the restart; the n-th (from 0) lies in slot n % SLOTS */
    uint64_t taken;     /* batches handed out since the restart; the caller still uses the last of them */
    bool finished;      /* the thread has nothing more to fill: the end of an evaluation, or a failure */
    enum status status; /* of the thread */
    char message[MESSAGE_SIZE];
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Reads the sample that stands at `place` of the epoch into place i of the slot. */
static enum status fill_sample(struct loader *loader, struct slot *slot, int64_t i, int64_t place)
{
    const struct loader_params *params = &loader->params;
    const struct dataset *dataset = params->dataset;
    int64_t count = dataset->count[params->split];
    bool real = place < count;
    /* One that only fills up repeats a real one, so that its values are finite. */
    int64_t index = place % count;
    if (params->train) {
        index = loader->order[index];
    }
    void *fields[DATASET_MAX_FIELDS] = {NULL};
    for (int f = 0; f < dataset->field_count; f++) {
        fields[f] = (char *)slot->batch.fields[f] + (size_t)i * loader->sample_size[f];
    }
    slot->weights[i] = real ? 1.0F : 0.0F;
    slot->indices[i] = real ? index : -1;
    enum status status = params->train
                             ? dataset_read_augmented(dataset, params->split, index, slot->batch.epoch, fields)
                             : dataset->type->read(dataset, params->split, index, slot->batch.epoch, fields);
    if (status != STATUS_OK) {
        return fail_context(status, "sample %" PRId64 " of the %s split: ", index,
                            params->split == SPLIT_TRAIN ? "train" : "test");
    }
    return STATUS_OK;
}

static enum status fill(struct loader *loader, struct slot *slot, int64_t step)
{
    const struct loader_params *params = &loader->params;
    int64_t samples = params->dataset->count[params->split];
    int64_t epoch = params->train ? step / loader->steps : 0;
    if (params->train && epoch != loader->order_epoch) {
        order_shuffle(params->seed, RANDOM_ORDER, (uint64_t)epoch, loader->order, (uint32_t)samples);
        loader->order_epoch = epoch;
    }
    int64_t first = (step - epoch * loader->steps) * params->batch;
    slot->batch.step = step;
    slot->batch.epoch = epoch;
    slot->batch.valid = smaller(params->batch, samples - first);
    for (int64_t i = 0; i < params->count && !atomic_load(&loader->abandon); i++) {
        TRY(fill_sample(loader, slot, i, first + params->first + i));
    }
    return STATUS_OK;
}

/* Is there a slot that neither waits to be handed out nor is looked at? */
static bool has_free_slot(const struct loader *loader)
{
    uint64_t done = loader->taken > 0 ? loader->taken - 1 : 0;
    return loader->filled - done < SLOTS;
}

/* Fills the next slot; called and left with the mutex held, which is free in between. */
static void fill_next(struct loader *loader)
{
    int64_t step = loader->position;
    struct slot *slot = &loader->slots[loader->filled % SLOTS];
    atomic_store(&loader->abandon, false);
    pthread_mutex_unlock(&loader->mutex);
    enum status status = fill(loader, slot, step);
    pthread_mutex_lock(&loader->mutex);
    if (atomic_load(&loader->abandon)) {
        return;
    }
    if (status == STATUS_OK) {
        loader->filled++;
        loader->position++;
    } else {
        loader->finished = true;
        loader->status = status;
        snprintf(loader->message, sizeof loader->message, "%s", status_message());
    }
    pthread_cond_broadcast(&loader->changed);
}

static void *run(void *context)
{
    struct loader *loader = context;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->stopping) {
        if (loader->finished || !has_free_slot(loader)) {
            pthread_cond_wait(&loader->changed, &loader->mutex);
        } else if (!loader->params.train && loader->position >= loader->steps) {
            loader->finished = true;
            pthread_cond_broadcast(&loader->changed);
        } else {
            fill_next(loader);
        }
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

static enum status allocate_slots(struct loader *loader)
{
    const struct dataset *dataset = loader->params.dataset;
    size_t count = (size_t)loader->params.count;
    for (int f = 0; f < dataset->field_count; f++) {
        loader->sample_size[f] =
            (size_t)shape_elements(dataset->fields[f].shape, dataset->fields[f].dtype) * sizeof(float);
    }
    for (int s = 0; s < SLOTS; s++) {
        struct slot *slot = &loader->slots[s];
        for (int f = 0; f < dataset->field_count; f++) {
            TRY(memory_allocate_touched(count, loader->sample_size[f], &slot->batch.fields[f]));
        }
        TRY(memory_allocate_touched(count, sizeof *slot->weights, &slot->weights));
        TRY(memory_allocate_touched(count, sizeof *slot->indices, &slot->indices));
        slot->batch.weights = slot->weights;
        slot->batch.indices = slot->indices;
    }
    if (loader->params.train) {
        size_t samples = (size_t)dataset->count[loader->params.split];
        TRY(memory_allocate_touched(samples, sizeof *loader->order, &loader->order));
    }
    return STATUS_OK;
}

static enum status start_thread(struct loader *loader)
{
    if (pthread_mutex_init(&loader->mutex, NULL) != 0) {
        return fail(STATUS_FAILED, "the system refused a mutex for loading data");
    }
    loader->has_mutex = true;
    if (pthread_cond_init(&loader->changed, NULL) != 0) {
        return fail(STATUS_FAILED, "the system refused a condition variable for loading data");
    }
    loader->has_changed = true;
    /* Signals belong to the main thread, which knows what to do with them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&loader->thread, NULL, run, loader);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        return fail(STATUS_FAILED, "the system refused a thread for loading data: %s", strerror(code));
    }
    loader->has_thread = true;
    return STATUS_OK;
}

enum status loader_create(const struct loader_params *params, struct loader **loader)
{
    *loader = NULL;
    int64_t samples = params->dataset->count[params->split];
    assert(params->batch > 0 && params->first >= 0 && params->count > 0 && params->start >= 0);
    assert(params->count <= params->batch && params->first <= params->batch - params->count);
    if (params->train && samples < params->batch) {
        return fail(STATUS_BAD_INPUT,
                    "a batch of %" PRId64 " is more than the %" PRId64 " samples to train on: set run.batch to %" PRId64
                    " or less",
                    params->batch, samples, samples);
    }
    if (samples > UINT32_MAX) {
        return fail(STATUS_BAD_INPUT,
                    "%" PRId64 " samples are more than the %" PRIu32
                    " that one split may hold: set data.train_limit or data.test_limit",
                    samples, UINT32_MAX);
    }
    struct loader *created;
    TRY(memory_allocate(1, sizeof *created, &created));
    created->params = *params;
    created->order_epoch = -1;
    created->position = params->train ? params->start : 0;
    created->steps = params->train ? samples / params->batch : divide_up_count(samples, params->batch);
    enum status status;
    TRY_OUT(allocate_slots(created));
    TRY_OUT(start_thread(created));
    *loader = created;
    return STATUS_OK;
out:
    loader_destroy(created);
    return status;
}

void loader_destroy(struct loader *loader)
{
    if (loader == NULL) {
        return;
    }
    if (loader->has_thread) {
        pthread_mutex_lock(&loader->mutex);
        loader->stopping = true;
        atomic_store(&loader->abandon, true);
        pthread_cond_broadcast(&loader->changed);
        pthread_mutex_unlock(&loader->mutex);
        pthread_join(loader->thread, NULL);
    }
    if (loader->has_changed) {
        pthread_cond_destroy(&loader->changed);
    }
    if (loader->has_mutex) {
        pthread_mutex_destroy(&loader->mutex);
    }
    for (int s = 0; s < SLOTS; s++) {
        for (int f = 0; f < DATASET_MAX_FIELDS; f++) {
            free(loader->slots[s].batch.fields[f]);
        }
        free(loader->slots[s].weights);
        free(loader->slots[s].indices);
    }
    free(loader->order);
    free(loader);
}

int64_t loader_steps(const struct loader *loader)
{
    return loader->steps;
}

enum status loader_next(struct loader *loader, const struct batch **batch)
{
    *batch = NULL;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&loader->mutex);
    while (loader->taken == loader->filled && !loader->finished) {
        pthread_cond_wait(&loader->changed, &loader->mutex);
    }
    if (loader->taken < loader->filled) {
        *batch = &loader->slots[loader->taken % SLOTS].batch;
        loader->taken++;
        pthread_cond_broadcast(&loader->changed);
    } else if (loader->status != STATUS_OK) {
        status = fail(loader->status, "%s", loader->message);
    }
    pthread_mutex_unlock(&loader->mutex);
    return status;
}

enum status loader_restart(struct loader *loader, int64_t start)
{
    assert(start >= 0);
    pthread_mutex_lock(&loader->mutex);
    atomic_store(&loader->abandon, true);
    loader->position = loader->params.train ? start : 0;
    loader->filled = 0;
    loader->taken = 0;
    loader->finished = false;
    loader->status = STATUS_OK;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    return STATUS_OK;
}
