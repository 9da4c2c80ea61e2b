/* Every command's table, each in a file of its name. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command command_train;
extern const struct command command_eval;
extern const struct command command_predict;
extern const struct command command_show;
extern const struct command command_explain;
extern const struct command command_bench;
extern const struct command command_devices;
extern const struct command command_selftest;
extern const struct command command_help;

/* Usage, what it does, and its flags, on standard output. */
void help_print_command(const struct command *command);

#endif
