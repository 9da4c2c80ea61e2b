/* lemnos train: a run from its config, from the start or from a checkpoint on. */
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/subject.h"
#include "train/run_folder.h"

static const char automatic[] = "auto";

static bool resumes_from_path(const struct arguments *arguments)
{
    const char *resume = arguments_flag(arguments, "resume");
    return resume != NULL && strcmp(resume, automatic) != 0;
}

/* The config, and the path of the checkpoint to go on from, where one is named. */
static enum status find_config(const struct arguments *arguments, struct config **config, char **resume)
{
    *resume = NULL;
    *config = NULL;
    if (!resumes_from_path(arguments)) {
        if (arguments->word_count == 0) {
            return fail(STATUS_BAD_INPUT, "which config? lemnos train %s", arguments->command->usage);
        }
        return subject_load_config(arguments, config);
    }
    struct subject saved;
    enum status status = STATUS_OK;
    TRY_OUT(subject_open_checkpoint(arguments_flag(arguments, "resume"), &saved));
    TRY_OUT(memory_copy_string(saved.path, resume));
    status = arguments->word_count > 0 ? subject_load_config(arguments, config)
                                       : subject_saved_config(saved.checkpoint, saved.path, arguments, config);
out:
    subject_release(&saved);
    return status;
}

static enum status tell_what_next(struct config *config)
{
    struct run_options run;
    TRY(config_read(config, option_sections[0].name, option_sections[0].table, &run));
    char *folder = NULL;
    enum status status = run_folder_path(&run, "", &folder);
    if (status == STATUS_OK) {
        log_info("the run lies in %s; to look at it: lemnos eval %s, lemnos predict %s, lemnos show %s", folder, folder,
                 folder, folder);
    }
    free(folder);
    option_release(option_sections[0].table, &run);
    return status;
}

static enum status train_run(const struct arguments *arguments, struct comm *comm)
{
    struct config *config;
    char *resume;
    enum status status = STATUS_OK;
    TRY_OUT(find_config(arguments, &config, &resume));
    struct trainer_params params = {
        .comm = comm, .config = config, .resume = resume != NULL ? resume : arguments_flag(arguments, "resume")};
    TRY_OUT(trainer_run(&params));
    status = tell_what_next(config);
out:
    config_destroy(config);
    free(resume);
    return status;
}

static const struct flag flags[] = {
    {"resume", "auto|PATH", "go on: from the run's newest checkpoint, or from this checkpoint or run"},
    {.name = NULL},
};

const struct command command_train = {
    .name = "train",
    .help = "train a network as a config says",
    .usage = "CONFIG [section.key=value ...] [--resume auto|PATH]",
    .details =
        "Trains the network of CONFIG and writes runs/NAME: config.ini, metrics.jsonl, checkpoints/.\n"
        "SIGUSR1, SIGTERM or Ctrl-C: the run saves, ends with exit code 85, and \"--resume auto\" goes on where it\n"
        "stood, bit for bit, on any number of ranks. \"--resume PATH\" without CONFIG takes the config from the\n"
        "checkpoint. A folder that holds another run of that name is moved aside, never written over.",
    .flags = flags,
    .most_words = 1,
    .takes_overrides = true,
    .uses_ranks = true,
    .run = train_run,
};
