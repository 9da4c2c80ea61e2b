/* lemnos help: the commands, and every key of a config from the tables that parse it. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/option.h"
#include "cli/commands.h"
#include "compute/graph/layer.h"
#include "data/dataset.h"
#include "models/model.h"
#include "models/zoo.h"
#include "train/options.h"

static void print_overview(void)
{
    printf("lemnos trains deep networks on any GPU through Vulkan, or on the CPU, on one machine or a cluster.\n\n"
           "usage: lemnos COMMAND ...\n\n");
    for (int i = 0; commands[i] != NULL; i++) {
        printf("  %-9s  %s\n", commands[i]->name, commands[i]->help);
    }
    printf(
        "\n"
        "  lemnos help COMMAND           what a command takes\n"
        "  lemnos help config            the sections of a config\n"
        "  lemnos help config SECTION    the keys of one of them\n"
        "  lemnos --version\n\n"
        "Environment: LEMNOS_LOG=debug tells what takes the time of a start, LEMNOS_LOG=warning no more than trouble;\n"
        "LEMNOS_TUNING=off ignores what lemnos bench --tune found; LEMNOS_FMA=off keeps products and sums apart\n"
        "where the device is a CPU: slower, and other bits; LEMNOS_VECTORS=off reads and writes there lane by lane,\n"
        "which is slower.\n\n"
        "A first run: lemnos train configs/line.ini\n"
        "On two ranks: mpirun -n 2 lemnos train configs/digits.ini\n");
}

void help_print_command(const struct command *command)
{
    printf("usage: lemnos %s %s\n\n%s\n", command->name, command->usage, command->details);
    for (int i = 0; command->flags != NULL && command->flags[i].name != NULL; i++) {
        const struct flag *flag = &command->flags[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", flag->name, flag->value != NULL ? " " : "",
                 flag->value != NULL ? flag->value : "");
        printf("%s  %-24s  %s\n", i == 0 ? "\n" : "", left, flag->help);
    }
    if (command->takes_overrides) {
        printf("\n  section.key=value sets a key of the config; lemnos help config lists them. The section may "
               "have a\n"
               "  space: \"layer conv1.kernel=5\".\n");
    }
    if (command->uses_ranks) {
        printf("\n  On several ranks: mpirun -n 4 lemnos %s ...\n", command->name);
    }
}

static void print_sections(void)
{
    printf("The sections of a config; \"lemnos help config SECTION\" prints the keys of one.\n\n");
    printf("  %-13s  %s\n", "data", "where samples come from: source = ...");
    printf("  %-13s  %s\n", "model", "the network as a whole");
    printf("  %-13s  %s\n", "layer NAME", "one layer, in the order in which they run: type = ...");
    for (const struct option_section *section = option_sections; section->name != NULL; section++) {
        printf("  %-13s  %s\n", section->name, section->help);
    }
    printf("  %-13s  %s\n", "group NAME", "hyperparameters of some of the parameters");
    printf("\nSources of [data] (lemnos help config data SOURCE):\n\n");
    for (int i = 0; dataset_types[i] != NULL; i++) {
        printf("  %-22s %s\n", dataset_types[i]->name, dataset_types[i]->help);
    }
    printf("\nArchitectures of [model] (lemnos help config model ARCHITECTURE):\n\n");
    for (int i = 0; architectures[i] != NULL; i++) {
        printf("  %-22s %s\n", architectures[i]->name, architectures[i]->help);
    }
    printf("\nTypes of a [layer NAME] (lemnos help config layer TYPE):\n\n");
    for (int i = 0; layer_types[i] != NULL; i++) {
        printf("  %-22s %s\n", layer_types[i]->name, layer_types[i]->help);
    }
    printf("\nA file may begin with \"include = other.ini\" and change what it wants. Comments begin with ; or #.\n");
}

static void print_table(const char *title, const char *help, const struct option *table)
{
    printf("%s: %s\n\n", title, help);
    if (table == NULL || table[0].name == NULL) {
        printf("(no keys of its own)\n");
    } else {
        option_print(table, stdout);
    }
}

static void print_source(const struct dataset_type *type)
{
    char title[64];
    snprintf(title, sizeof title, "[data] source = %s", type->name);
    print_table(title, type->help, type->options);
}

static void print_layer(const struct layer_type *type)
{
    char title[64];
    snprintf(title, sizeof title, "[layer NAME] type = %s", type->name);
    print_table(title, type->help, type->options);
}

static enum status print_data(const char *source)
{
    const char *names[64];
    size_t count = 0;
    if (source == NULL) {
        print_table("[data]", "where samples come from", dataset_options);
    }
    for (; dataset_types[count] != NULL && count < COUNT_OF(names); count++) {
        names[count] = dataset_types[count]->name;
        if (source == NULL) {
            printf("\n");
            print_source(dataset_types[count]);
        } else if (strcmp(source, names[count]) == 0) {
            print_source(dataset_types[count]);
            return STATUS_OK;
        }
    }
    if (source == NULL) {
        return STATUS_OK;
    }
    const char *near = nearest_name(names, count, source);
    return fail(STATUS_BAD_INPUT, "there is no source \"%s\"%s%s%s; lemnos help config lists them", source,
                near != NULL ? " (did you mean " : "", near != NULL ? near : "", near != NULL ? "?)" : "");
}

static enum status print_layers(const char *type)
{
    const char *names[256];
    size_t count = 0;
    if (type == NULL) {
        print_table("[layer NAME]", "what every layer has", layer_common_table);
    }
    for (; layer_types[count] != NULL && count < COUNT_OF(names); count++) {
        names[count] = layer_types[count]->name;
        if (type == NULL) {
            printf("\n");
            print_layer(layer_types[count]);
        } else if (strcmp(type, names[count]) == 0) {
            print_layer(layer_types[count]);
            return STATUS_OK;
        }
    }
    if (type == NULL) {
        return STATUS_OK;
    }
    const char *near = nearest_name(names, count, type);
    return fail(STATUS_BAD_INPUT, "there is no layer type \"%s\"%s%s%s; lemnos help config lists them", type,
                near != NULL ? " (did you mean " : "", near != NULL ? near : "", near != NULL ? "?)" : "");
}

static void print_architecture(const struct architecture *architecture)
{
    char title[64];
    snprintf(title, sizeof title, "[model] architecture = %s", architecture->name);
    print_table(title, architecture->help, architecture->options);
}

static enum status print_model(const char *architecture)
{
    const char *names[64];
    size_t count = 0;
    if (architecture == NULL) {
        print_table("[model]", "the network as a whole", model_option_table);
    }
    for (; architectures[count] != NULL && count < COUNT_OF(names); count++) {
        names[count] = architectures[count]->name;
        if (architecture == NULL) {
            printf("\n");
            print_architecture(architectures[count]);
        } else if (strcmp(architecture, names[count]) == 0) {
            print_architecture(architectures[count]);
            return STATUS_OK;
        }
    }
    if (architecture == NULL) {
        return STATUS_OK;
    }
    const char *near = nearest_name(names, count, architecture);
    return fail(STATUS_BAD_INPUT, "there is no architecture \"%s\"%s%s%s; lemnos help config lists them", architecture,
                near != NULL ? " (did you mean " : "", near != NULL ? near : "", near != NULL ? "?)" : "");
}

static enum status print_section(const char *name, const char *detail)
{
    static const char *const special[] = {"data", "model", "layer", "group"};
    const char *names[32];
    size_t count = 0;
    for (; count < COUNT_OF(special); count++) {
        names[count] = special[count];
    }
    if (strcmp(name, "data") == 0) {
        return print_data(detail);
    }
    if (strcmp(name, "layer") == 0) {
        return print_layers(detail);
    }
    if (strcmp(name, "model") == 0) {
        return print_model(detail);
    }
    if (detail != NULL && strcmp(name, "group") != 0) {
        return fail(STATUS_BAD_INPUT, "\"%s\" is one argument too many: lemnos help config %s", detail, name);
    }
    if (strcmp(name, "group") == 0) {
        print_table("[group NAME]", "hyperparameters of the parameters whose names match a pattern",
                    group_option_table);
        return STATUS_OK;
    }
    for (const struct option_section *section = option_sections; section->name != NULL; section++) {
        if (strcmp(section->name, name) == 0) {
            char title[64];
            snprintf(title, sizeof title, "[%s]", name);
            print_table(title, section->help, section->table);
            return STATUS_OK;
        }
        names[count++] = section->name;
    }
    const char *near = nearest_name(names, count, name);
    return fail(STATUS_BAD_INPUT, "a config has no section \"%s\"%s%s%s; lemnos help config lists them", name,
                near != NULL ? " (did you mean " : "", near != NULL ? near : "", near != NULL ? "?)" : "");
}

static enum status help_run(const struct arguments *arguments, struct comm *comm)
{
    (void)comm;
    if (arguments->word_count == 0) {
        print_overview();
        return STATUS_OK;
    }
    if (strcmp(arguments->words[0], "config") == 0) {
        if (arguments->word_count == 1) {
            print_sections();
            return STATUS_OK;
        }
        return print_section(arguments->words[1], arguments->word_count > 2 ? arguments->words[2] : NULL);
    }
    if (arguments->word_count > 1) {
        return fail(STATUS_BAD_INPUT, "\"%s\" is one argument too many: lemnos help %s", arguments->words[1],
                    arguments->words[0]);
    }
    const struct command *command;
    TRY(command_find(arguments->words[0], &command));
    help_print_command(command);
    return STATUS_OK;
}

const struct command command_help = {
    .name = "help",
    .help = "what a command takes, and every key of a config",
    .usage = "[COMMAND | config [SECTION [TYPE]]]",
    .details =
        "Without arguments it lists the commands. \"help config\" lists the sections of a config, \"help config run\"\n"
        "the keys of [run], \"help config data csv\" those of a source, \"help config layer conv2d\" those of a "
        "layer,\n"
        "\"help config model resnet18\" those of an architecture.",
    .most_words = 3,
    .run = help_run,
};
