/* The folder of a run: FOLDER/NAME with config.ini, metrics.jsonl, checkpoints/. */
#ifndef TRAIN_RUN_FOLDER_H
#define TRAIN_RUN_FOLDER_H

#include "configs/config.h"
#include "train/options.h"

/* "runs/digits" and "runs/digits/FILE"; the caller frees *path. */
enum status run_folder_path(const struct run_options *run, const char *file, char **path) MUST_CHECK;
/* Whether the folder holds a run. */
bool run_folder_is_used(const struct run_options *run);
/* Whether `resume` ("auto", or the path of a checkpoint; NULL: none) goes on with the run in this folder. */
bool run_folder_holds(const struct run_options *run, const char *resume);
/* Moves a folder that holds a run to NAME.1, NAME.2 ..., so that no run is ever written over. */
enum status run_folder_move_aside(const struct run_options *run) MUST_CHECK;
/* Writes the resolved config. */
enum status run_folder_write_config(const struct run_options *run, const struct config *config) MUST_CHECK;

#endif
