/* What lemnos show prints of a dataset. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "configs/config.h"
#include "data/dataset.h"

/* Prints counts, fields, classes and the first training sample of [data]. `saved` as for dataset_open(). */
enum status show_dataset(struct config *config, const struct checkpoint *saved) MUST_CHECK;

#endif
