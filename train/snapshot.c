#include "train/snapshot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "compute/kernels/update.h"
#include "train/agreement.h"
#include "train/optimizer.h"

enum { RECORD_COLUMNS = sizeof(struct metric_record) / sizeof(double), PROGRESS_COUNT = 2 };

static const char records_path[] = "metrics";
static const char progress_path[] = "progress/state";

struct snapshot {
    struct session *session;
    struct store *store;
    struct checkpoint image; /* rank 0: what is written; arrays point to memory of ours or of the dataset */
    size_t owned_arrays;     /* the first so many arrays' data are ours */
    struct metric_record *records;
    int64_t record_count, max_records;
    double progress[PROGRESS_COUNT]; /* best, evaluation pending */
};

static bool trained(const struct parameter *parameter)
{
    return parameter->kind == PARAMETER_WEIGHT;
}

static enum status add_array(struct checkpoint *image, const char *path, enum array_type type, int rank,
                             const int64_t *dim, void *data)
{
    TRY(memory_resize(image->array_count + 1, sizeof *image->arrays, &image->arrays));
    struct array *array = &image->arrays[image->array_count];
    *array = (struct array){.type = type, .rank = rank, .data = data};
    for (int i = 0; i < rank; i++) {
        array->dim[i] = dim[i];
    }
    TRY(memory_copy_string(path, &array->path));
    image->array_count++;
    return STATUS_OK;
}

static enum status add_parameter_array(struct snapshot *snapshot, const char *folder, const struct parameter *parameter)
{
    char path[PARAMETER_NAME_SIZE + 64];
    float *dense;
    snprintf(path, sizeof path, "%s/%s", folder, parameter->name);
    TRY(memory_allocate_touched((size_t)parameter_count(parameter), sizeof(float), &dense));
    enum status status = add_array(&snapshot->image, path, ARRAY_FLOAT32, parameter->rank, parameter->dim, dense);
    if (status != STATUS_OK) {
        free(dense);
    }
    return status;
}

/* The arrays in this order: model, then slot by slot; snapshot_save() fills them in the same order. */
static enum status add_owned_arrays(struct snapshot *snapshot)
{
    const struct graph *graph = &snapshot->session->model.graph;
    for (int i = 0; i < graph->parameter_count; i++) {
        TRY(add_parameter_array(snapshot, "model", &graph->parameters[i]));
        snapshot->owned_arrays = snapshot->image.array_count;
    }
    const char *const *slots = update_slots(optimizer_rule(&snapshot->session->options.optimizer));
    for (int slot = 0; slots[slot] != NULL; slot++) {
        char folder[64];
        snprintf(folder, sizeof folder, "optimizer/%s", slots[slot]);
        for (int i = 0; i < graph->parameter_count; i++) {
            if (trained(&graph->parameters[i])) {
                TRY(add_parameter_array(snapshot, folder, &graph->parameters[i]));
                snapshot->owned_arrays = snapshot->image.array_count;
            }
        }
    }
    return STATUS_OK;
}

static enum status add_text(struct checkpoint *image, const char *path, const char *content)
{
    TRY(memory_resize(image->text_count + 1, sizeof *image->texts, &image->texts));
    struct text_entry *entry = &image->texts[image->text_count];
    *entry = (struct text_entry){0};
    image->text_count++;
    TRY(memory_copy_string(path, &entry->path));
    return memory_copy_string(content, &entry->text);
}

static enum status add_data_state(struct snapshot *snapshot)
{
    struct dataset_state state = dataset_state(snapshot->session->dataset);
    for (size_t i = 0; i < state.array_count; i++) {
        const struct array *array = &state.arrays[i];
        TRY(add_array(&snapshot->image, array->path, array->type, array->rank, array->dim, array->data));
    }
    for (size_t i = 0; i < state.text_count; i++) {
        TRY(add_text(&snapshot->image, state.texts[i].path, state.texts[i].text));
    }
    return STATUS_OK;
}

static struct array *records_array(struct snapshot *snapshot)
{
    return &snapshot->image.arrays[snapshot->image.array_count - 1];
}

static enum status describe(struct snapshot *snapshot, const struct config *config)
{
    struct session *session = snapshot->session;
    struct text text = {0};
    enum status status = STATUS_OK;
    snapshot->image.seed = (uint64_t)session->options.run.seed;
    snapshot->image.world_size = comm_size(session->comm);
    TRY_OUT(add_owned_arrays(snapshot));
    TRY_OUT(config_text(config, &text));
    TRY_OUT(add_text(&snapshot->image, "config", text_get(&text)));
    TRY_OUT(add_data_state(snapshot));
    const int64_t progress_dim[1] = {PROGRESS_COUNT};
    TRY_OUT(add_array(&snapshot->image, progress_path, ARRAY_FLOAT64, 1, progress_dim, snapshot->progress));
    const int64_t records_dim[2] = {snapshot->max_records, RECORD_COLUMNS};
    TRY_OUT(add_array(&snapshot->image, records_path, ARRAY_FLOAT64, 2, records_dim, snapshot->records));
    status = store_reserve(snapshot->store, &snapshot->image);
out:
    text_release(&text);
    return status;
}

enum status snapshot_create(const struct snapshot_params *params, struct snapshot **created)
{
    struct snapshot *snapshot;
    TRY(memory_allocate(1, sizeof *snapshot, &snapshot));
    snapshot->session = params->session;
    snapshot->store = params->store;
    snapshot->max_records = params->max_records;
    enum status status =
        memory_allocate_touched((size_t)params->max_records, sizeof *snapshot->records, &snapshot->records);
    if (status == STATUS_OK && snapshot->store != NULL) {
        status = describe(snapshot, params->config);
    }
    if (status != STATUS_OK) {
        snapshot_destroy(snapshot);
        snapshot = NULL;
    }
    *created = snapshot;
    return status;
}

void snapshot_destroy(struct snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    for (size_t i = 0; i < snapshot->image.array_count; i++) {
        free(snapshot->image.arrays[i].path);
        if (i < snapshot->owned_arrays) {
            free(snapshot->image.arrays[i].data);
        }
    }
    for (size_t i = 0; i < snapshot->image.text_count; i++) {
        free(snapshot->image.texts[i].path);
        free(snapshot->image.texts[i].text);
    }
    free(snapshot->image.arrays);
    free(snapshot->image.texts);
    free(snapshot->records);
    free(snapshot);
}

void snapshot_record(struct snapshot *snapshot, const struct metric_record *record)
{
    if (snapshot->record_count < snapshot->max_records) {
        snapshot->records[snapshot->record_count++] = *record;
    }
}

/* Slot `slot` of the optimiser, whole, on rank 0. */
static enum status collect_slot(struct session *session, int slot, float **whole)
{
    int64_t flat = session->program.flat_count;
    *whole = (float *)engine_host(session->engine, REGION_OPTIMIZER) + slot * flat;
    for (int i = 0; i < session->program.bucket_count; i++) {
        struct range owned = reduce_owned(session->reduce, i);
        if (owned.count > 0) {
            TRY(engine_pull(session->engine, REGION_OPTIMIZER, (uint64_t)(slot * flat + owned.offset) * sizeof(float),
                            (uint64_t)owned.count * sizeof(float)));
        }
    }
    return reduce_collect(session->reduce, *whole, comm_rank(session->comm) == 0 ? *whole : NULL);
}

static size_t fill(const struct snapshot *snapshot, size_t array, const float *flat, bool trained_only)
{
    const struct graph *graph = &snapshot->session->model.graph;
    for (int i = 0; i < graph->parameter_count; i++) {
        const struct parameter *parameter = &graph->parameters[i];
        if (!trained_only || trained(parameter)) {
            parameter_to_dense(parameter, flat + parameter->offset, snapshot->image.arrays[array++].data);
        }
    }
    return array;
}

/* On rank 0: what was collected goes to the disk, or a warning to the user. */
static bool write_image(struct snapshot *snapshot, const struct progress *progress, bool best)
{
    snapshot->image.step = progress->step;
    snapshot->image.epoch = progress->epoch;
    snapshot->progress[0] = progress->best;
    snapshot->progress[1] = progress->evaluation_pending ? 1 : 0;
    records_array(snapshot)->dim[0] = snapshot->record_count;
    enum status status = store_save(snapshot->store, &snapshot->image, best);
    if (status != STATUS_OK) {
        log_warning("the checkpoint of step %" PRId64 " was not saved: %s; training goes on", progress->step,
                    status_message());
        status_clear();
    }
    return status == STATUS_OK;
}

enum status snapshot_save(struct snapshot *snapshot, const struct progress *progress, bool best, bool *saved)
{
    struct session *session = snapshot->session;
    TRY(agree_on_parameters(session, progress->step));
    size_t array = 0;
    if (snapshot->store != NULL) {
        array = fill(snapshot, array, engine_host(session->engine, REGION_PARAMETERS), false);
    }
    int slots = update_slot_count(optimizer_rule(&session->options.optimizer));
    for (int slot = 0; slot < slots; slot++) {
        float *whole;
        TRY(collect_slot(session, slot, &whole));
        if (snapshot->store != NULL) {
            array = fill(snapshot, array, whole, true);
        }
    }
    *saved = snapshot->store != NULL && write_image(snapshot, progress, best);
    return comm_broadcast(session->comm, saved, sizeof *saved, 0);
}

int64_t snapshot_records(const struct checkpoint *checkpoint)
{
    const struct array *records = checkpoint != NULL ? checkpoint_array(checkpoint, records_path) : NULL;
    return records != NULL && records->rank == 2 ? records->dim[0] : 0;
}

/* The records, NULL where there are none. */
static const struct metric_record *find_records(const struct checkpoint *checkpoint, int64_t *count)
{
    const struct array *records = checkpoint_array(checkpoint, records_path);
    bool usable = records != NULL && records->type == ARRAY_FLOAT64 && records->rank == 2 && records->dim[0] > 0 &&
                  records->dim[1] == RECORD_COLUMNS;
    *count = usable ? records->dim[0] : 0;
    return usable ? records->data : NULL;
}

bool snapshot_counts_from_zero(const struct checkpoint *checkpoint)
{
    int64_t count;
    const struct metric_record *records = find_records(checkpoint, &count);
    return checkpoint->epoch == 0 || (count > 0 && records[0].epoch < 1);
}

int64_t snapshot_epoch(const struct checkpoint *checkpoint)
{
    return checkpoint->epoch + (snapshot_counts_from_zero(checkpoint) ? 1 : 0);
}

static enum status find_array(const struct checkpoint *checkpoint, const char *folder,
                              const struct parameter *parameter, const struct array **found)
{
    char path[PARAMETER_NAME_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", folder, parameter->name);
    const struct array *array = checkpoint_array(checkpoint, path);
    if (array == NULL) {
        return fail(STATUS_BAD_INPUT, "the checkpoint is of another model: it holds no %s", path);
    }
    bool same = array->type == ARRAY_FLOAT32 && array->rank == parameter->rank;
    for (int i = 0; same && i < array->rank; i++) {
        same = array->dim[i] == parameter->dim[i];
    }
    if (!same) {
        struct text shapes = {0};
        enum status status = STATUS_OK;
        for (int i = 0; i < array->rank && status == STATUS_OK; i++) {
            status = text_add(&shapes, "%s%" PRId64, i > 0 ? " x " : "", array->dim[i]);
        }
        for (int i = 0; i < parameter->rank && status == STATUS_OK; i++) {
            status = text_add(&shapes, "%s%" PRId64, i > 0 ? " x " : " there, ", parameter->dim[i]);
        }
        if (status == STATUS_OK) {
            status = fail(STATUS_BAD_INPUT, "the checkpoint is of another model: %s is %s in the config", path,
                          text_get(&shapes));
        }
        text_release(&shapes);
        return status;
    }
    *found = array;
    return STATUS_OK;
}

/* The other direction: arrays that no parameter of this model takes. */
static enum status check_all_used(const struct graph *graph, const struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        const char *path = checkpoint->arrays[i].path;
        if (strncmp(path, "model/", 6) == 0 && graph_find_parameter(graph, path + 6) < 0) {
            return fail(STATUS_BAD_INPUT, "the checkpoint is of another model: this one has no parameter %s", path + 6);
        }
    }
    return STATUS_OK;
}

enum status snapshot_restore_model(struct session *session, const struct checkpoint *checkpoint)
{
    const struct graph *graph = &session->model.graph;
    float *values = engine_host(session->engine, REGION_PARAMETERS);
    TRY(check_all_used(graph, checkpoint));
    for (int i = 0; i < graph->parameter_count; i++) {
        const struct parameter *parameter = &graph->parameters[i];
        const struct array *array;
        TRY(find_array(checkpoint, "model", parameter, &array));
        parameter_from_dense(parameter, array->data, values + parameter->offset);
    }
    return engine_push(session->engine, REGION_PARAMETERS, 0, session->program.region_sizes[REGION_PARAMETERS]);
}

static enum status restore_slots(struct session *session, const struct checkpoint *checkpoint)
{
    const struct graph *graph = &session->model.graph;
    const char *const *slots = update_slots(optimizer_rule(&session->options.optimizer));
    float *memory = engine_host(session->engine, REGION_OPTIMIZER);
    for (int slot = 0; slots[slot] != NULL; slot++) {
        char folder[64];
        snprintf(folder, sizeof folder, "optimizer/%s", slots[slot]);
        for (int i = 0; i < graph->parameter_count; i++) {
            const struct parameter *parameter = &graph->parameters[i];
            const struct array *array;
            if (trained(parameter)) {
                enum status status = find_array(checkpoint, folder, parameter, &array);
                if (status != STATUS_OK) {
                    return fail_context(status, "optimizer.type is not the one that the checkpoint was trained with: ");
                }
                parameter_from_dense(parameter, array->data,
                                     memory + slot * session->program.flat_count + parameter->offset);
            }
        }
    }
    return engine_push(session->engine, REGION_OPTIMIZER, 0, session->program.region_sizes[REGION_OPTIMIZER]);
}

enum status snapshot_restore_arrays(struct session *session, const struct checkpoint *checkpoint)
{
    TRY(snapshot_restore_model(session, checkpoint));
    return restore_slots(session, checkpoint);
}

void snapshot_restore_progress(struct snapshot *snapshot, const struct checkpoint *checkpoint,
                               struct progress *progress)
{
    *progress = (struct progress){.step = checkpoint->step, .epoch = snapshot_epoch(checkpoint), .best = -INFINITY};
    const struct array *state = checkpoint_array(checkpoint, progress_path);
    if (state != NULL && state->type == ARRAY_FLOAT64 && array_count(state) == PROGRESS_COUNT) {
        const double *values = state->data;
        progress->best = values[0];
        progress->evaluation_pending = values[1] != 0;
    }
    int64_t count;
    const struct metric_record *records = find_records(checkpoint, &count);
    double counted_from_zero = snapshot_counts_from_zero(checkpoint) ? 1 : 0;
    for (int64_t i = 0; i < count; i++) {
        struct metric_record record = records[i];
        record.epoch += counted_from_zero;
        snapshot_record(snapshot, &record);
    }
}
