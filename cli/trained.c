#include "cli/trained.h"

#include <inttypes.h>
#include <stdio.h>

#include "train/agreement.h"
#include "train/snapshot.h"

const char *const split_names[] = {[SPLIT_TRAIN] = "train", [SPLIT_TEST] = "test", NULL};

const char *class_name(const struct dataset *dataset, int64_t class, char *buffer, size_t size)
{
    if (dataset->class_names != NULL && class >= 0 && class < dataset->classes) {
        return dataset->class_names[class];
    }
    snprintf(buffer, size, "%" PRId64, class);
    return buffer;
}

int64_t highest_class(const struct dataset *dataset, const float *scores)
{
    int64_t best = 0;
    for (int64_t i = 1; i < dataset->classes; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    return best;
}

static enum status load_weights(struct trained *trained)
{
    const struct checkpoint *checkpoint = trained->subject.checkpoint;
    if (checkpoint == NULL) {
        return session_initialise(trained->session);
    }
    enum status status = snapshot_restore_model(trained->session, checkpoint);
    return status == STATUS_OK ? STATUS_OK : fail_context(status, "%s: ", trained->subject.path);
}

enum status trained_open(const struct arguments *arguments, struct comm *comm, struct trained *trained)
{
    *trained = (struct trained){0};
    int split;
    enum status status = STATUS_OK;
    TRY_OUT(arguments_choice(arguments, "split", split_names, SPLIT_TEST, &split));
    trained->split = (enum split)split;
    TRY_OUT(subject_open(arguments, &trained->subject));
    struct session_params params = {
        .comm = comm, .config = trained->subject.config, .saved = trained->subject.checkpoint};
    TRY_OUT(session_create(&params, &trained->session));
    if (trained->session->dataset->count[split] == 0) {
        status = fail(STATUS_BAD_INPUT, "the %s part of the data is empty; --split %s is the other one",
                      split_names[split], split_names[split == SPLIT_TEST ? SPLIT_TRAIN : SPLIT_TEST]);
        goto out;
    }
    TRY_OUT(load_weights(trained));
    int64_t step = trained->subject.checkpoint != NULL ? trained->subject.checkpoint->step : 0;
    TRY_OUT(agree_on_parameters(trained->session, step)); /* every rank has read the file for itself */
    TRY_OUT(evaluation_create(trained->session, trained->split, &trained->evaluation));
    return STATUS_OK;
out:
    trained_release(trained);
    return status;
}

void trained_release(struct trained *trained)
{
    evaluation_destroy(trained->evaluation);
    session_destroy(trained->session);
    subject_release(&trained->subject);
    *trained = (struct trained){0};
}
