/* Option tables: strict values, messages that say what is wanted, and the nearest name. */
#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/option.h"

struct values {
    bool shuffle;
    int64_t epochs;
    int64_t seed;
    double rate;
    double decay;
    char *name;
    char *path;
    int type;
    int64_t kernel[2];
    int64_t required;
};

static const char *const types[] = {"sgd", "adam", "adamw", NULL};

static const struct option table[] = {
    {"shuffle", OPTION_BOOL, offsetof(struct values, shuffle), "yes", 0, 0, NULL, "Whether the order changes."},
    {"epochs", OPTION_INT, offsetof(struct values, epochs), "5", 1, 100, NULL, "Passes over the data."},
    {"seed", OPTION_INT, offsetof(struct values, seed), "0", 0, 0, NULL, "Where chance begins."},
    {"learning_rate", OPTION_FLOAT, offsetof(struct values, rate), "1e-3", 0, 1000, NULL, "The size of a step."},
    {"decay", OPTION_FLOAT, offsetof(struct values, decay), "0", 0, INFINITY, NULL, "How weights shrink."},
    {"name", OPTION_STRING, offsetof(struct values, name), "", 0, 0, NULL, "The name of the run."},
    {"path", OPTION_STRING, offsetof(struct values, path), NULL, 0, 0, NULL, "Where the data lie."},
    {"type", OPTION_CHOICE, offsetof(struct values, type), "adamw", 0, 0, types, "The rule of the update."},
    {"kernel", OPTION_PAIR, offsetof(struct values, kernel), "3", 1, 11, NULL, "The size of the window."},
    {"required", OPTION_INT, offsetof(struct values, required), NULL, 0, 0, NULL, "A number that has no default."},
    OPTIONS_END,
};

static enum status parse(const char *name, const char *text, struct values *values)
{
    return option_parse(option_find(table, name), text, values);
}

static void defaults_are_parsed_and_required_ones_zero(void **state)
{
    (void)state;
    struct values values;
    memset(&values, 0xAA, sizeof values);
    assert_ok(option_defaults(table, &values));
    assert_true(values.shuffle);
    assert_int_equal(values.epochs, 5);
    assert_true(values.rate == 1e-3);
    assert_string_equal(values.name, "");
    assert_string_equal(values.path, "");
    assert_int_equal(values.type, 2);
    assert_int_equal(values.kernel[0], 3);
    assert_int_equal(values.kernel[1], 3);
    assert_int_equal(values.required, 0);
    option_release(table, &values);
    assert_null(values.name);

    const struct option wrong[] = {
        {"name", OPTION_STRING, offsetof(struct values, name), "a", 0, 0, NULL, ""},
        {"epochs", OPTION_INT, offsetof(struct values, epochs), "many", 0, 0, NULL, ""},
        OPTIONS_END,
    };
    assert_int_equal(option_defaults(wrong, &values), STATUS_BAD_INPUT);
    assert_null(values.name);
}

static void good_values_are_read_and_written_back(void **state)
{
    (void)state;
    const char *const cases[][3] = {
        {"shuffle", "yes", "yes"},
        {"shuffle", "true", "yes"},
        {"shuffle", "on", "yes"},
        {"shuffle", "1", "yes"},
        {"shuffle", "no", "no"},
        {"shuffle", "false", "no"},
        {"shuffle", "off", "no"},
        {"shuffle", "0", "no"},
        {"epochs", "100", "100"},
        {"epochs", "+7", "7"},
        {"seed", "-9223372036854775808", "-9223372036854775808"},
        {"seed", "9223372036854775807", "9223372036854775807"},
        {"learning_rate", "1e-3", "0.001"},
        {"learning_rate", ".5", "0.5"},
        {"learning_rate", "1000", "1000"},
        {"learning_rate", "0.1000000000000000055", "0.1"},
        {"learning_rate", "0.30000000000000004", "0.30000000000000004"},
        {"decay", "1e300", "1e+300"},
        {"path", " a; b ", " a; b "},
        {"path", "", ""},
        {"type", "sgd", "sgd"},
        {"kernel", "7x5", "7x5"},
        {"kernel", "7", "7"},
        {"kernel", "4x4", "4"},
    };
    struct values values;
    assert_ok(option_defaults(table, &values));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct option *option = option_find(table, cases[i][0]);
        assert_ok(option_parse(option, cases[i][1], &values));
        char text[64];
        assert_ok(option_format(option, &values, text, sizeof text));
        assert_string_equal(text, cases[i][2]);
    }
    char little[3];
    assert_ok(parse("epochs", "100", &values));
    assert_int_equal(option_format(option_find(table, "epochs"), &values, little, sizeof little), STATUS_FAILED);
    option_release(table, &values);
}

static void wrong_values_are_refused_and_change_nothing(void **state)
{
    (void)state;
    const char *const cases[][2] = {
        {"shuffle", ""},
        {"shuffle", "yess"},
        {"shuffle", "2"},
        {"epochs", ""},
        {"epochs", "0"},
        {"epochs", "101"},
        {"epochs", "5 "},
        {"epochs", " 5"},
        {"epochs", "5.0"},
        {"epochs", "1_0"},
        {"epochs", "0x5"},
        {"epochs", "+-5"},
        {"epochs", "five"},
        {"seed", "9223372036854775808"},
        {"seed", "-9223372036854775809"},
        {"learning_rate", ""},
        {"learning_rate", "nan"},
        {"learning_rate", "inf"},
        {"learning_rate", "-1e-9"},
        {"learning_rate", "1000.1"},
        {"learning_rate", "1e-3x"},
        {"learning_rate", "1e"},
        {"learning_rate", "0x1p3"},
        {"learning_rate", " 1"},
        {"decay", "1e999"},
        {"decay", "1e-999"},
        {"type", "rmsprop"},
        {"type", "SGD"},
        {"type", ""},
        {"kernel", "0"},
        {"kernel", "3x12"},
        {"kernel", "3x"},
        {"kernel", "x3"},
        {"kernel", "3x3x3"},
        {"kernel", "3 x 3"},
    };
    struct values values;
    struct values before;
    assert_ok(option_defaults(table, &values));
    memcpy(&before, &values, sizeof before);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (parse(cases[i][0], cases[i][1], &values) != STATUS_BAD_INPUT) {
            fail_msg("%s = %s was taken", cases[i][0], cases[i][1]);
        }
    }
    assert_memory_equal(&before, &values, sizeof before);
    option_release(table, &values);
}

static void messages_say_what_is_wanted(void **state)
{
    (void)state;
    const char *const cases[][3] = {
        {"shuffle", "maybe", "shuffle = maybe: yes or no is wanted"},
        {"epochs", "many", "epochs = many: a whole number is wanted (1 to 100)"},
        {"seed", "x", "seed = x: a whole number is wanted"},
        {"learning_rate", "fast", "learning_rate = fast: a number is wanted (0 to 1000)"},
        {"decay", "-1", "decay = -1: a number is wanted (0 or more)"},
        {"type", "adm", "type = adm: one of sgd, adam, adamw is wanted"},
        {"kernel", "12", "kernel = 12: a whole number or a pair like 7x5 (height x width) is wanted (1 to 11)"},
    };
    struct values values;
    assert_ok(option_defaults(table, &values));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(parse(cases[i][0], cases[i][1], &values), STATUS_BAD_INPUT);
        assert_string_equal(status_message(), cases[i][2]);
    }
    /* 59 letters and one of two bytes across the limit: the letter is left out whole. */
    char text[128];
    memset(text, 'a', sizeof text - 1);
    memcpy(text + 59, "\xC3\xA4", 2);
    text[sizeof text - 1] = '\0';
    assert_int_equal(parse("seed", text, &values), STATUS_BAD_INPUT);
    assert_int_equal(strlen(status_message()), strlen("seed = ") + 59 + strlen("...: a whole number is wanted"));
    option_release(table, &values);
}

static void many_choices_are_cut(void **state)
{
    (void)state;
    const char *choices[301];
    for (int i = 0; i < 300; i++) {
        choices[i] = "abcdefgh";
    }
    choices[300] = NULL;
    const struct option option = {"type", OPTION_CHOICE, 0, NULL, 0, 0, choices, ""};
    int value;
    assert_int_equal(option_parse(&option, "x", &value), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "... is wanted"));
    assert_in_range(strlen(status_message()), 900, 1100);
}

static void the_nearest_name_is_near_or_none(void **state)
{
    (void)state;
    assert_string_equal(option_nearest(table, "learing_rate"), "learning_rate");
    assert_string_equal(option_nearest(table, "Epoch"), "epochs");
    assert_string_equal(option_nearest(table, "kernle"), "kernel");
    assert_string_equal(option_nearest(table, "kernel_size"), "kernel");
    assert_string_equal(option_nearest(table, "rate"), "learning_rate");
    assert_string_equal(option_nearest(table, "tpye"), "type");
    assert_null(option_nearest(table, "momentum"));
    assert_null(option_nearest(table, ""));
    assert_null(option_nearest(table, "x"));
    char longest[1000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(option_nearest(table, longest));
    const char *const long_names[] = {longest};
    assert_null(nearest_name(long_names, 1, "aaa"));
    const char *const names[] = {"batch", "patch_size"};
    assert_string_equal(nearest_name(names, 2, "batch_size"), "patch_size");
    assert_string_equal(nearest_name(names, 1, "batch_size"), "batch");
    assert_null(nearest_name(names, 0, "batch"));
    assert_null(option_find(table, "learning"));
}

static void the_printed_table_shows_every_row(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    option_print(table, file);
    assert_int_equal(fclose(file), 0);
    assert_non_null(strstr(text, "learning_rate  The size of a step.\n"
                                 "               a number (0 to 1000); default: 1e-3\n"));
    assert_non_null(strstr(text, "path           Where the data lie.\n               text; required\n"));
    assert_non_null(strstr(text, "text; default: empty\n"));
    assert_non_null(strstr(text, "one of sgd, adam, adamw; default: adamw\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_parsed_and_required_ones_zero),
        cmocka_unit_test(good_values_are_read_and_written_back),
        cmocka_unit_test(wrong_values_are_refused_and_change_nothing),
        cmocka_unit_test(messages_say_what_is_wanted),
        cmocka_unit_test(many_choices_are_cut),
        cmocka_unit_test(the_nearest_name_is_near_or_none),
        cmocka_unit_test(the_printed_table_shows_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
