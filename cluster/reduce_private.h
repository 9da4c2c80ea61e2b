/* What the files of reduce share. */
#ifndef CLUSTER_REDUCE_PRIVATE_H
#define CLUSTER_REDUCE_PRIVATE_H

#include <stdbool.h>

#include "cluster/mpi_try.h"
#include "cluster/reduce.h"

enum bucket_state { BUCKET_IDLE, BUCKET_IN_FLIGHT, BUCKET_SUMMED, BUCKET_DONE };

struct bucket {
    enum bucket_state state;
    struct range range;
    /* This rank's slice of it: what it adds (REDUCE_TREE), and what it squares (both modes). */
    struct range slice;
    /* REDUCE_TREE: a range of reduce.sum_requests, receives first. REDUCE_ALLREDUCE: one, counted as a receive. */
    int first_request, receive_count, send_count;
    float *staging;  /* the other ranks' pieces of the slice, in the order of reduce.pieces */
    double *squares; /* one sum a block of the slice, at its place in reduce.squares */
};

struct reduce {
    struct reduce_params params;
    int rank, ranks;
    bool tree;          /* REDUCE_TREE, or a single rank */
    MPI_Datatype block; /* REDUCE_BLOCK floats: int counts of it reach 8 TB */
    struct bucket *buckets;
    int begun, done; /* how many buckets; done are those summed here whose messages are out, too */
    bool gathering;

    struct piece *pieces; /* of all ranks, ascending: together they cover the shards */
    int piece_count;
    int own_first, own_count; /* this rank's among them */
    const float **sources;    /* a piece: room for the arguments of shards_sum() */

    MPI_Request *sum_requests;
    int sum_request_count;
    float *staging;
    MPI_Request *gather_requests;
    int gather_request_count;

    double *squares;     /* a block: rank by rank, and within a rank bucket by bucket */
    int *square_counts;  /* a rank: blocks it squares */
    int *square_offsets; /* a rank: its first in `squares` */
    int *cursors;        /* a rank: room for walking through `squares`, and for counts of a collect */
    int *displacements;  /* a rank: room for displacements of a collect */

    double exposed_seconds;
    double sum_seconds; /* spent adding, ever */
};

/* Slice `rank` of bucket `bucket`: the formula that all ranks share. */
struct range reduce_slice(const struct reduce *reduce, int bucket, int rank);

/* Adds the pieces of the bucket's slice, where they all have arrived, and squares the sum. */
void reduce_sum_slice(struct reduce *reduce, struct bucket *bucket);
/* Adds this rank's pieces of the whole bucket into piece 0, in ascending order. */
void reduce_fold_pieces(struct reduce *reduce, const struct bucket *bucket);
/* Adds the block sums of all ranks, which lie in `squares`, in block order; finds the first block that is not finite
   (an offset into the flat buffer, or -1) and its owner. */
double reduce_add_squares(struct reduce *reduce, int64_t *bad_block, int *owner);
/* The first element of a block that is not finite. */
int64_t reduce_first_not_finite(const float *block);

#endif
