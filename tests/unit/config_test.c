/* The INI: syntax, includes, overrides, and the report of all problems. */
#include "tests/unit/config_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* A folder of its own for each test that needs files; entered, so that messages show short names. */
struct folder {
    char path[64];
};

static int enter_folder(void **state)
{
    static struct folder folder;
    strcpy(folder.path, "/tmp/lemnos-config-XXXXXX");
    *state = &folder;
    return mkdtemp(folder.path) == NULL || chdir(folder.path) != 0;
}

static int leave_folder(void **state)
{
    const struct folder *folder = *state;
    static const char *const files[] = {"a.ini", "b.ini", "c.ini", "sub/d.ini", "sub"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        remove(files[i]);
    }
    return chdir("/") != 0 || rmdir(folder->path) != 0;
}

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static struct config *parse(const char *text)
{
    struct config *config;
    assert_ok(config_parse("x.ini", text, NULL, 0, &config));
    return config;
}

/* The message of a config whose readers have read; "" where nothing is wrong. */
static const char *problems_with(const char *text, const char *const *overrides, size_t count)
{
    struct config *config;
    assert_ok(config_parse("x.ini", text, overrides, count, &config));
    status_clear();
    enum status status = read_all(config);
    config_destroy(config);
    assert_int_equal(status, status_message()[0] != '\0' ? STATUS_BAD_INPUT : STATUS_OK);
    return status_message();
}

static const char *problems(const char *text)
{
    return problems_with(text, NULL, 0);
}

/* What every good text of these tests begins with, in four lines. */
#define GOOD "[run]\nname = digits\n[optimizer]\ntype = sgd\n"

static void values_come_with_their_lines(void **state)
{
    (void)state;
    struct config *config = parse("\xEF\xBB\xBF[ run ] # a comment\r\n"
                                  " ; another\r\n"
                                  "name=digits;1 #2 ; the end\r\n"
                                  "\tseed\t=\t7\t\r\n"
                                  "\r\n"
                                  "[layer  \t conv1]\n"
                                  "empty =\n"
                                  "comment = ; nothing\n"
                                  "quoted = \" a;\\\"b\\\" \\\\ \"; c\n"
                                  "inner = a \"b\" \\c = d\n"
                                  "last = no newline");
    const char *line;
    assert_string_equal(config_get(config, "run", "name", &line), "digits;1");
    assert_string_equal(line, "x.ini:3");
    assert_string_equal(config_get(config, "run", "seed", &line), "7");
    assert_string_equal(line, "x.ini:4");
    assert_string_equal(config_get(config, "layer conv1", "empty", NULL), "");
    assert_string_equal(config_get(config, "layer conv1", "comment", NULL), "");
    assert_string_equal(config_get(config, "layer conv1", "quoted", NULL), " a;\"b\" \\ ");
    assert_string_equal(config_get(config, "layer conv1", "inner", NULL), "a \"b\" \\c = d");
    assert_string_equal(config_get(config, "layer conv1", "last", &line), "no newline");
    assert_string_equal(line, "x.ini:11");
    assert_null(config_get(config, "run", "absent", &line));
    assert_null(line);
    assert_null(config_get(config, "absent", "name", NULL));
    config_destroy(config);
}

static void sections_keep_their_order(void **state)
{
    (void)state;
    const char *const overrides[] = {"layer z.type=x", "optimizer.type=sgd"};
    struct config *config;
    assert_ok(config_parse("x.ini", "[layer b]\n[run]\n[layer a]\n", overrides, 2, &config));
    assert_string_equal(config_section_name(config, "layer ", 0), "layer b");
    assert_string_equal(config_section_name(config, "layer ", 1), "layer a");
    assert_null(config_section_name(config, "layer ", 2));
    assert_string_equal(config_section_name(config, "", 1), "run");
    assert_true(config_has_section(config, "optimizer"));
    assert_false(config_has_section(config, "layer"));
    config_destroy(config);
}

static void readers_get_values_and_defaults(void **state)
{
    (void)state;
    struct config *config = parse(GOOD "learning_rate = 2\nmomentum = fast\n[layer a]\ntype = conv2d\nkernel = 7x5\n");
    struct optimizer_values optimizer;
    struct layer_values layer;
    status_clear();
    assert_ok(config_read(config, "optimizer", optimizer_options, &optimizer));
    assert_string_equal(status_message(), "");
    assert_int_equal(optimizer.type, 0);
    assert_true(optimizer.learning_rate == 2);
    assert_true(optimizer.momentum == 0.9);
    assert_ok(config_read(config, "layer a", layer_options, &layer));
    assert_ok(config_read(config, "layer a", conv_options, &layer));
    assert_string_equal(layer.type, "conv2d");
    assert_int_equal(layer.channels, 8);
    assert_int_equal(layer.kernel[0], 7);
    assert_int_equal(layer.kernel[1], 5);
    option_release(layer_options, &layer);
    assert_ok(config_read(config, "layer b", layer_options, &layer));
    assert_string_equal(layer.type, "");
    option_release(layer_options, &layer);
    config_destroy(config);
    assert_string_equal(problems(GOOD), "");
}

static void every_problem_is_told_in_order(void **state)
{
    (void)state;
    const char *const overrides[] = {"optimizer.learing_rate=1", "run.epochs=0", "layer conv9.kernel=5"};
    const char *message = problems_with("seed = 1\n"
                                        "[run]\n"
                                        "bacth = 3\n"
                                        "epoch = 3\n"
                                        "[layer conv1]\n"
                                        "kernel = 99\n"
                                        "[optimzer]\n"
                                        "type = sgd\n"
                                        "[optimizer]\n"
                                        "type = adam\n"
                                        "learning_rate = fast\n",
                                        overrides, COUNT_OF(overrides));
    assert_string_equal(message,
                        "x.ini:1: seed: only \"include\" may stand before the first section\n"
                        "x.ini:3: [run] has no key \"bacth\"; it knows name, seed, epochs\n"
                        "x.ini:4: [run] has no key \"epoch\"; did you mean \"epochs\"?\n"
                        "x.ini:5: [layer conv1] needs the key \"type\": What the layer does.\n"
                        "x.ini:6: [layer conv1] kernel = 99: a whole number or a pair like 7x5 (height x width) is "
                        "wanted (1 to 11)\n"
                        "x.ini:7: there is no section [optimzer]; did you mean [optimizer]?\n"
                        "x.ini:10: [optimizer] type = adam: one of sgd, adamw is wanted\n"
                        "x.ini:11: [optimizer] learning_rate = fast: a number is wanted (0 to 1000)\n"
                        "command line: [optimizer] has no key \"learing_rate\"; did you mean \"learning_rate\"?\n"
                        "command line: [run] epochs = 0: a whole number is wanted (1 to 1000)\n"
                        "command line: there is no section [layer conv9]; did you mean [layer conv1]?");
    assert_string_equal(problems("[run]\n"), "x.ini: [optimizer] needs the key \"type\": The rule.");
}

static void wrong_lines_are_told(void **state)
{
    (void)state;
    const char *const cases[][2] = {
        {"word", "word: this is neither \"[section]\" nor \"key = value\" nor a comment"},
        {"= 3", "there is no key before \"=\""},
        {"a b = 3", "\"a b\" is no key: letters, digits, _ and - make a key"},
        {"name : 3 = 4", "\"name : 3\" is no key: letters, digits, _ and - make a key"},
        {"name = \"a", "name: the closing quote is missing"},
        {"name = \"a\\", "name: a backslash in quotes stands before a quote or a backslash only (write \\\\ for one)"},
        {"name = \"a\\n\"",
         "name: a backslash in quotes stands before a quote or a backslash only (write \\\\ for one)"},
        {"name = \"a\"b", "name: nothing but a comment may follow the closing quote; a quote inside is written \\\""},
        {"name = a\x01", "byte 9 is the control character 0x01, which is no text"},
        {"name = a\rb", "byte 9 is the control character 0x0d, which is no text"},
        {"[layer", "[layer: the \"]\" of the section is missing"},
        {"[layer] a", "[layer] a: nothing but a comment may follow the \"]\""},
        {"[]", "a section without a name"},
        {"[a;b]", "the section's name \"a;b\" holds one of [ ] = ; # \""},
        {"[optimizer]", "[optimizer] is opened twice in this file; line 3 opens it first"},
        {"type = adamw", "[optimizer] type is set twice in this file; line 4 sets it first"},
        {"include = a.ini", "[optimizer] \"include\" must stand before the first section"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[256];
        char expected[256];
        snprintf(text, sizeof text, GOOD "%s\n", cases[i][0]);
        snprintf(expected, sizeof expected, "x.ini:5: %s", cases[i][1]);
        assert_string_equal(problems(text), expected);
    }
    /* The keys below a wrong section are not taken for the section above it. */
    assert_string_equal(problems(GOOD "[layer\nkernel = 3\n"), "x.ini:5: [layer: the \"]\" of the section is missing");
    assert_string_equal(problems("include =\n" GOOD), "x.ini:1: include: the name of a file is wanted");
}

static void wrong_overrides_are_told(void **state)
{
    (void)state;
    const char *const cases[][2] = {
        {"run", "run: write section.key=value, as in run.epochs=5"},
        {"--resume=a.b", "--resume=a.b: write section.key=value, as in run.epochs=5"},
        {".seed=1", "a section without a name"},
        {"run.=1", "there is no key before \"=\""},
        {"run.name=a\nb", "override 1: byte 11 is the control character 0x0a, which is no text"},
        {"run.seed=x", "[run] seed = x: a whole number is wanted"},
        {"data.path=x", "there is no section [data]"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "command line: %s", cases[i][1]);
        assert_string_equal(problems_with(GOOD, cases[i], 1), expected);
    }
}

static void overrides_win(void **state)
{
    (void)state;
    const char *const overrides[] = {"run.seed=3", "layer a.b.kernel=5", " run . name = x ; \"y\" ", "run.seed=4",
                                     "optimizer.type=sgd"};
    struct config *config;
    assert_ok(config_parse("x.ini", "[run]\nseed = 1\n[layer a.b]\ntype = conv2d\n", overrides, COUNT_OF(overrides),
                           &config));
    const char *line;
    assert_string_equal(config_get(config, "run", "seed", &line), "4");
    assert_string_equal(line, "command line");
    assert_string_equal(config_get(config, "layer a.b", "kernel", NULL), "5");
    assert_string_equal(config_get(config, "run", "name", NULL), "x ; \"y\"");
    assert_ok(read_all(config));
    struct text text = {0};
    assert_ok(config_text(config, &text));
    assert_string_equal(text_get(&text), "[run]\nseed = 4\nname = \"x ; \\\"y\\\"\"\n\n"
                                         "[layer a.b]\ntype = conv2d\nkernel = 5\n\n"
                                         "[optimizer]\ntype = sgd\n");
    text_release(&text);
    config_destroy(config);
}

static void other_readers_add_their_problems(void **state)
{
    (void)state;
    const char *const overrides[] = {"run.seed=2"};
    struct config *config;
    assert_ok(config_parse("x.ini", GOOD, overrides, 1, &config));
    config_problem(config, "run", "seed", "%d is too unlucky", 2);
    config_problem(config, "optimizer", "type", "not here");
    config_problem(config, "optimizer", "type", "not here");
    config_problem(config, "optimizer", "momentum", "too much");
    config_problem(config, "optimizer", NULL, "is odd");
    config_problem(config, "model", NULL, "is missing");
    config_problem(config, NULL, NULL, "there are no layers");
    const char *expected = "x.ini: [model] is missing\n"
                           "x.ini: there are no layers\n"
                           "x.ini:3: [optimizer] momentum: too much\n"
                           "x.ini:3: [optimizer] is odd\n"
                           "x.ini:4: [optimizer] type: not here\n"
                           "command line: [run] seed: 2 is too unlucky";
    assert_int_equal(read_all(config), STATUS_BAD_INPUT);
    assert_string_equal(status_message(), expected);
    assert_int_equal(config_check(config), STATUS_BAD_INPUT);
    assert_string_equal(status_message(), expected);
    config_destroy(config);
}

static void more_problems_than_anyone_reads_are_counted(void **state)
{
    (void)state;
    struct text text = {0};
    assert_ok(text_add(&text, GOOD));
    for (int i = 0; i < 250; i++) {
        assert_ok(text_add(&text, "key%d = 1\n", i));
    }
    struct config *config = parse(text_get(&text));
    struct optimizer_values optimizer;
    assert_ok(config_read(config, "optimizer", optimizer_options, &optimizer));
    for (int i = 0; i < 2; i++) { /* a second look finds nothing new */
        assert_int_equal(read_all(config), STATUS_BAD_INPUT);
        assert_non_null(strstr(status_message(), "\"key99\"; it knows type, learning_rate, momentum\nand 150 more"));
    }
    config_destroy(config);
    text_release(&text);
}

static void long_lines_are_whole(void **state)
{
    (void)state;
    enum { LONG = 64 * 1024 };
    char *value;
    assert_ok(memory_allocate(LONG + 1, 1, &value));
    memset(value, 'v', LONG);
    struct text text = {0};
    assert_ok(text_add(&text, GOOD "[layer a]\ntype = %s\n", value));
    struct config *config = parse(text_get(&text));
    assert_string_equal(config_get(config, "layer a", "type", NULL), value);
    assert_ok(read_all(config));
    config_destroy(config);
    text_release(&text);

    value[128] = '\0';
    assert_ok(text_add(&text, GOOD "%s = 1\n[%s]\n", value, value));
    assert_non_null(strstr(problems(text_get(&text)), "x.ini:5: [optimizer] has no key \"vvv"));
    text_release(&text);
    assert_ok(text_add(&text, GOOD "%sv = 1\n[%sv]\n%s%s\n", value, value, value, value));
    assert_string_equal(problems(text_get(&text)),
                        "x.ini:5: the key vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv... has 129 bytes: at most 128\n"
                        "x.ini:6: a section's name has 129 bytes: at most 128\n"
                        "x.ini:7: vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv...: this is neither \"[section]\" nor "
                        "\"key = value\" nor a comment");
    text_release(&text);
    free(value);
}

static void includes_come_first_and_later_lines_win(void **state)
{
    (void)state;
    assert_int_equal(mkdir("sub", 0777), 0);
    write_text("a.ini", "include = sub/d.ini ; first\ninclude = \"b.ini\"\n[run]\nseed = 9\n[layer z]\ntype = a\n");
    write_text("b.ini", "[optimizer]\ntype = adamw\nmomentum = x\n");
    write_text("sub/d.ini", "include = ../c.ini\n[layer y]\ntype = d\n[run]\nname = d\nseed = 2\n");
    write_text("c.ini", "[run]\nname = c\nepochs = 4\n");
    struct config *config;
    assert_ok(config_load("a.ini", NULL, 0, &config));
    const char *line;
    assert_string_equal(config_get(config, "run", "seed", &line), "9");
    assert_string_equal(line, "a.ini:4");
    assert_string_equal(config_get(config, "run", "name", &line), "d");
    assert_string_equal(line, "sub/d.ini:5");
    assert_string_equal(config_get(config, "run", "epochs", &line), "4");
    assert_string_equal(line, "sub/../c.ini:3");
    assert_string_equal(config_section_name(config, "", 0), "run");
    assert_string_equal(config_section_name(config, "layer ", 0), "layer y");
    assert_string_equal(config_section_name(config, "layer ", 1), "layer z");
    config_problem(config, "layer z", "type", "bad");
    config_problem(config, "layer y", "type", "bad");
    assert_int_equal(read_all(config), STATUS_BAD_INPUT);
    assert_string_equal(status_message(), "a.ini:6: [layer z] type: bad\n"
                                          "sub/d.ini:3: [layer y] type: bad\n"
                                          "b.ini:3: [optimizer] momentum = x: a number is wanted (0 to 1)");
    config_destroy(config);
}

static void one_file_may_be_included_twice(void **state)
{
    (void)state;
    write_text("a.ini", "include = b.ini\ninclude = c.ini\ninclude = b.ini\n");
    write_text("b.ini", "[run]\nseed = b\n");
    write_text("c.ini", "[run]\nseed = 2\n"
                        "[optimizer]\ntype = sgd\n");
    struct config *config;
    assert_ok(config_load("a.ini", NULL, 0, &config));
    assert_int_equal(read_all(config), STATUS_BAD_INPUT);
    assert_string_equal(status_message(), "b.ini:2: [run] seed = b: a whole number is wanted");
    config_destroy(config);
}

static void assert_load_fails(const char *path, const char *expected)
{
    struct config *config;
    assert_int_equal(config_load(path, NULL, 0, &config), STATUS_BAD_INPUT);
    assert_null(config);
    assert_string_equal(status_message(), expected);
}

static void skipped_sections_are_not_judged(void **state)
{
    (void)state;
    struct config *config;
    assert_ok(
        config_parse("a.ini", "[layer a]\ntype = x\nwidth = 3\n[layer b]\ntype = y\n[layers]\n", NULL, 0, &config));
    config_skip(config, "layer ");
    assert_int_equal(config_check(config), STATUS_BAD_INPUT);
    assert_string_equal(status_message(), "a.ini:6: there is no section [layers]");
    config_destroy(config);
}

static void files_that_cannot_be_read_fail_at_once(void **state)
{
    (void)state;
    assert_load_fails("a.ini", "a.ini: No such file or directory");
    assert_load_fails(".", ".: Is a directory");
    write_text("a.ini", "\ninclude = b.ini\n");
    assert_load_fails("a.ini", "a.ini:2: include: b.ini: No such file or directory");
    write_text("b.ini", "include = ./c.ini\n");
    write_text("c.ini", "include = ././a.ini\n");
    assert_load_fails("a.ini", "a.ini:2: include: b.ini:1: include: ./c.ini:1: include: ./././a.ini is being read "
                               "already: files cannot include each other in a circle");
    write_file("c.ini", "[run]\nname = a\0b\n", 17);
    assert_load_fails("c.ini", "c.ini: byte 15 is zero, so it is no text in UTF-8");
    write_text("c.ini", "");
    assert_int_equal(truncate("c.ini", (1 << 20) + 1), 0);
    assert_load_fails("c.ini", "c.ini: larger than 1 MiB, so it is hardly a configuration");
}

static void includes_end_somewhere(void **state)
{
    (void)state;
    struct text text = {0};
    for (int i = 0; i < 100; i++) {
        assert_ok(text_add(&text, "include = b.ini\n"));
    }
    write_text("a.ini", text_get(&text));
    write_text("b.ini", "");
    assert_load_fails("a.ini", "a.ini:100: include: b.ini: more than 100 files are included");
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skipped_sections_are_not_judged),
        cmocka_unit_test(values_come_with_their_lines),
        cmocka_unit_test(sections_keep_their_order),
        cmocka_unit_test(readers_get_values_and_defaults),
        cmocka_unit_test(every_problem_is_told_in_order),
        cmocka_unit_test(wrong_lines_are_told),
        cmocka_unit_test(wrong_overrides_are_told),
        cmocka_unit_test(overrides_win),
        cmocka_unit_test(other_readers_add_their_problems),
        cmocka_unit_test(more_problems_than_anyone_reads_are_counted),
        cmocka_unit_test(long_lines_are_whole),
        cmocka_unit_test_setup_teardown(includes_come_first_and_later_lines_win, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(one_file_may_be_included_twice, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read_fail_at_once, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(includes_end_somewhere, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
