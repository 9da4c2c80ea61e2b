/* The folder of a run: FOLDER/NAME with config.ini, metrics.jsonl, checkpoints/. */
#ifndef TRAIN_RUN_FOLDER_H
#define TRAIN_RUN_FOLDER_H

#include "configs/config.h"
#include "train/options.h"

/* "runs/digits" and "runs/digits/FILE"; the caller frees *path. */
enum status run_folder_path(const struct run_options *run, const char *file, char **path) MUST_CHECK;
/*
 * Makes the folder with its parents. Without `keep`, one that holds a run already is moved aside to NAME.1, NAME.2 ...,
 * so that no run is ever written over.
 */
enum status run_folder_prepare(const struct run_options *run, bool keep) MUST_CHECK;
/* Writes the resolved config. */
enum status run_folder_write_config(const struct run_options *run, const struct config *config) MUST_CHECK;

#endif
