/* Texts by chance: nothing crashes the reader, and what config_text() writes is read back the same. */
#include "tests/unit/config_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

static const char good[] = "include = absent.ini ; the first to go\n"
                           "[run] ; a run\n"
                           "name = \" a \\\"quoted\\\" name \\\\ \" # comment\n"
                           "seed = 7\r\n"
                           "epochs = 12\n"
                           "\n"
                           "[optimizer]\n"
                           "type = adamw\n"
                           "learning_rate = 1e-3\n"
                           "# a comment\n"
                           "[layer conv1]\n"
                           "type = conv2d\n"
                           "channels = 32\n"
                           "kernel = 7x5\n"
                           "[layer conv2]\n"
                           "type = conv2d\n"
                           "kernel = 3\n";
static const char good_override[] = "layer conv1.kernel=5x5";

static void assert_same(const struct config *config, const struct config *again)
{
    struct text text = {0};
    struct text text_again = {0};
    assert_ok(config_text(config, &text));
    assert_ok(config_text(again, &text_again));
    assert_string_equal(text_get(&text), text_get(&text_again));
    text_release(&text);
    text_release(&text_again);
}

static void assert_reads_back(const struct config *config)
{
    struct text text = {0};
    struct config *again;
    assert_ok(config_text(config, &text));
    assert_ok(config_parse("again", text_get(&text), NULL, 0, &again));
    assert_same(config, again);
    config_destroy(again);
    text_release(&text);
}

/* Replaces, removes, doubles or swaps bytes, mostly for bytes that mean something. */
static void mutate(struct random *random, char *text, size_t size)
{
    static const char special[] = "[]=;#\"\\ \t\r\n.x-\x01\x7f\xc3\xef";
    for (uint32_t left = 1 + random_below(random, 8); left > 0; left--) {
        size_t length = strlen(text);
        size_t at = random_below(random, (uint32_t)length);
        switch (random_below(random, 4)) {
        case 0:
            text[at] = special[random_below(random, sizeof special - 1)];
            break;
        case 1:
            text[at] = (char)(1 + random_below(random, 255));
            break;
        case 2:
            memmove(text + at, text + at + 1, length - at);
            break;
        default:
            if (length + 1 < size) {
                memmove(text + at + 1, text + at, length - at + 1);
            }
            break;
        }
        if (text[0] == '\0') {
            strcpy(text, "[");
        }
    }
}

static void mutated_texts_do_not_crash(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 1, RANDOM_ORDER, 0);
    int taken = 0;
    int right = 0;
    for (int i = 0; i < 5000; i++) {
        char text[2 * sizeof good];
        char override[2 * sizeof good_override];
        /* Most without the include, which would end them all at once. */
        strcpy(text, i % 10 == 0 ? good : strchr(good, '\n') + 1);
        strcpy(override, good_override);
        mutate(&random, text, sizeof text);
        if (i % 2 == 0) {
            mutate(&random, override, sizeof override);
        }
        const char *const overrides[] = {override};
        struct config *config;
        if (config_parse("x.ini", text, overrides, 1, &config) != STATUS_OK) {
            assert_null(config);
            continue;
        }
        taken++;
        if (read_all(config) == STATUS_OK) {
            right++;
        }
        assert_reads_back(config);
        config_destroy(config);
    }
    assert_in_range(taken, 4000, 4999);
    assert_in_range(right, 100, 4000);
}

static void any_value_is_written_and_read_back(void **state)
{
    (void)state;
    static const char alphabet[] = "ab\"\\;# \t=[].'\xC3\xA4";
    struct random random;
    random_init(&random, 2, RANDOM_ORDER, 0);
    for (int i = 0; i < 5000; i++) {
        /* Through an override, which is taken as it stands, but for the blanks around it. */
        char override[32] = "run.name=";
        char *value = override + strlen(override);
        uint32_t length = random_below(&random, 9);
        for (uint32_t j = 0; j < length; j++) {
            value[j] = alphabet[random_below(&random, sizeof alphabet - 1)];
        }
        const char *const overrides[] = {override};
        struct config *config;
        assert_ok(config_parse("x.ini", "", overrides, 1, &config));
        const char *kept = config_get(config, "run", "name", NULL);
        assert_non_null(strstr(value, kept));
        struct text text = {0};
        struct config *again;
        assert_ok(config_text(config, &text));
        assert_ok(config_parse("again", text_get(&text), NULL, 0, &again));
        assert_string_equal(config_get(again, "run", "name", NULL), kept);
        config_destroy(again);
        text_release(&text);
        config_destroy(config);
    }
}

static void blanks_around_a_value_are_written_and_read_back(void **state)
{
    (void)state;
    struct config *config;
    assert_ok(config_parse("x.ini", "[run]\nname = \"\t a \"\nseed = \" \"\nepochs = \"\"\n", NULL, 0, &config));
    assert_string_equal(config_get(config, "run", "name", NULL), "\t a ");
    assert_string_equal(config_get(config, "run", "seed", NULL), " ");
    assert_string_equal(config_get(config, "run", "epochs", NULL), "");
    assert_reads_back(config);
    config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_texts_do_not_crash),
        cmocka_unit_test(any_value_is_written_and_read_back),
        cmocka_unit_test(blanks_around_a_value_are_written_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
