/* A model ready to be evaluated: of a checkpoint, of a run, or the initial weights of a config. */
#ifndef CLI_TRAINED_H
#define CLI_TRAINED_H

#include "cli/subject.h"
#include "train/evaluation.h"
#include "train/session.h"

struct trained {
    struct subject subject;
    struct session *session;
    struct evaluation *evaluation;
    enum split split;
};

/* Opens words[0] and the split that --split names. Collective. */
enum status trained_open(const struct arguments *arguments, struct comm *comm, struct trained *trained) MUST_CHECK;
void trained_release(struct trained *trained);

/* "test" or "train". */
extern const char *const split_names[];
/* The class's name, or its number in `buffer`. */
const char *class_name(const struct dataset *dataset, int64_t class, char *buffer, size_t size);
/* The class with the highest score; the first of equals. */
int64_t highest_class(const struct dataset *dataset, const float *scores);

#endif
