#include "train/metric_rows.h"

/* Loss and weight of every loss, and what the first one says of correctness. */
void metric_rows_take(struct session *session, int phase, int first, int count)
{
    const struct tape *tape = &session->program.phases[phase]->tape;
    for (int i = 0; i < count; i++) {
        struct metric_row *row = &session->metric_rows[first + i];
        *row = (struct metric_row){0};
        for (int loss = 0; loss < session->model.loss_count; loss++) {
            const float *values = session_tensor(session, phase, tape->metrics_tensor + loss);
            values += i * METRIC_COUNT;
            row->loss += (double)values[0];
            if (loss == 0) {
                row->weight = (double)values[1];
                row->correct = (double)values[2];
            }
        }
    }
}

static double column(const struct session *session, size_t member)
{
    for (int i = 0; i < session->shards; i++) {
        const char *row = (const char *)&session->all_metric_rows[i];
        session->column[i] = *(const double *)(const void *)(row + member);
    }
    return shards_sum_double(session->shards, session->leaves, session->column, session->shards);
}

enum status metric_rows_sum(struct session *session, struct metric_totals *totals)
{
    const int64_t *sizes = session_shard_sizes(session, sizeof(struct metric_row));
    TRY(comm_gather_all(session->comm, session->metric_rows, sizes, session->all_metric_rows));
    totals->loss = column(session, offsetof(struct metric_row, loss));
    totals->weight = column(session, offsetof(struct metric_row, weight));
    totals->correct = column(session, offsetof(struct metric_row, correct));
    return STATUS_OK;
}
