/* Tables: how they are read, split, normalised and kept, and every way to be wrong. */
#include "tests/unit/data_test.h"

#include <math.h>

#include "base/memory.h"

#define PLAIN "source = csv\npath = t.csv\ntarget = y\ntest_fraction = 0\nnormalize = no\n"
#define CLASSES PLAIN "task = classification\n"

enum { WIDTH = 8 };

static struct dataset *open_table(const char *text, const char *keys)
{
    write_text("t.csv", text);
    return open_data(keys);
}

static void refuse_table(const char *text, const char *keys, const char *part)
{
    write_text("t.csv", text);
    refuse_data(keys, part);
}

/* Sample `index` of the training part must be these features and this target (regression). */
static void expect_row(const struct dataset *dataset, int64_t index, const float *features, int count, float target)
{
    float values[WIDTH];
    float targets[4];
    assert_int_equal(shape_channels(dataset->fields[0].shape), count);
    read_sample(dataset, SPLIT_TRAIN, index, values, targets);
    for (int i = 0; i < shape_stride(dataset->fields[0].shape); i++) {
        assert_float_equal(values[i], i < count ? features[i] : 0.0F, 1e-6);
    }
    assert_float_equal(targets[0], target, 1e-6);
    assert_true(targets[1] == 0.0F && targets[2] == 0.0F && targets[3] == 0.0F);
}

#define ROW(dataset, index, target, ...)                                                                               \
    expect_row((dataset), (index), (const float[]){__VA_ARGS__}, (int)COUNT_OF(((const float[]){__VA_ARGS__})),        \
               (target))

static void plain_numbers_come_through(void **state)
{
    (void)state;
    struct dataset *table = open_table("x,y\n1,100\n2,200\n3,300\n4,400\n5,500\n", PLAIN);
    assert_string_equal(table->fields[0].name, "features");
    assert_string_equal(table->fields[1].name, "target");
    assert_int_equal(table->count[SPLIT_TRAIN], 5);
    assert_int_equal(table->count[SPLIT_TEST], 5);
    assert_int_equal(table->classes, 0);
    struct checkpoint saved = saved_from(table);
    assert_string_equal(saved.arrays[1].path, "data/feature_std");
    assert_float_equal(*(const float *)saved.arrays[1].data, 1.0F, 0.0);
    for (int i = 0; i < 5; i++) {
        ROW(table, i, 100.0F * (float)(i + 1), (float)(i + 1));
        float x[4];
        float y[4];
        read_sample(table, SPLIT_TEST, i, x, y);
        assert_float_equal(y[0], 100.0F * (float)(i + 1), 0.0);
    }
    /* The same numbers in another order are another dataset, whatever their mean. */
    struct dataset *other = open_table("x,y\n1,100\n2,200\n3,300\n5,500\n4,400\n", PLAIN);
    assert_false(same_digest(table, other));
    dataset_close(other);
    dataset_close(table);
}

static void the_format_is_rfc_4180(void **state)
{
    (void)state;
    /*
     * A byte order mark, CRLF, quotes with delimiters, quotes and line ends inside, blanks, a blank line, no last end.
     */
    struct dataset *table = open_table("\xEF\xBB\xBF\"a \"\"b\"\", c\",y , name\r\n"
                                       " 1.5e1 , \"-2\",\"one\r\ntwo\"\r\n"
                                       "\r\n"
                                       "+.5,4 ,\"\"\"\"",
                                       PLAIN);
    assert_int_equal(table->count[SPLIT_TRAIN], 2);
    ROW(table, 0, -2.0F, 15.0F);
    ROW(table, 1, 4.0F, 0.5F);
    struct dataset_state kept = dataset_state(table);
    assert_string_equal(kept.texts[0].path, "data/columns");
    assert_non_null(strstr(kept.texts[0].text, "a \\\"b\\\", c"));
    dataset_close(table);

    table = open_table("x;y\n1;2\n", PLAIN "delimiter = semicolon\n");
    ROW(table, 0, 2.0F, 1.0F);
    dataset_close(table);
    table = open_table("x\ty\r1\t2\r", PLAIN "delimiter = tab\n");
    ROW(table, 0, 2.0F, 1.0F);
    dataset_close(table);
    refuse_table("x\ty\n1\t\n", PLAIN "delimiter = tab\n", "column \"y\" holds no value");
}

static void wrong_tables_name_file_and_line(void **state)
{
    (void)state;
    refuse_table("", PLAIN, "t.csv is empty");
    refuse_table("\n\n", PLAIN, "t.csv is empty");
    refuse_table("x,y\n", PLAIN, "the target column \"y\" holds no value");
    refuse_table("x,y\n1,2\n1,2,3\n", PLAIN, "t.csv:3: this row has 3 cells, but the header has 2");
    refuse_table("x,y\n\n\"1\n\",2\n1\n", PLAIN, "t.csv:5: this row has 1 cells");
    refuse_table("x,y\r\n1,2\r\n1\r\n", PLAIN, "t.csv:3: this row has 1 cells");
    refuse_table("x,y\n1,2\n\"\"\n", PLAIN, "t.csv:3: this row has 1 cells");
    refuse_table("x,y\n1,2\n\"3,4\n5,6\n", PLAIN, "t.csv:3: the quote that opens here is never closed");
    refuse_table("x,y\n\"1\"0,2\n", PLAIN, "t.csv:2: text follows a closing quote");
    refuse_table("x,y,x\n1,2,3\n", PLAIN, "t.csv:1: two columns are named \"x\"");
    refuse_table("x,y\n1,2\n3,4\nfour,6\n", PLAIN, "t.csv:4: column \"x\" holds \"four\", which is no number");
    refuse_table("x,y\n1,2\n3,inf\n", PLAIN, "t.csv:3: column \"y\" holds \"inf\"");
    refuse_table("x,y\n0x10,2\n3,4\n", PLAIN, "column \"x\" holds \"0x10\"");
    refuse_table("x,y\n1e39,2\n3,4\n", PLAIN, "too large for single precision");
    refuse_table("x,y\na,2\nb,4\n", PLAIN, "no column of numbers beside the target");
    refuse_table("x,yy\n1,2\n", PLAIN, "no column \"y\" (the target)");
    refuse_table("x,height\n1,2\n", "source = csv\npath = t.csv\ntarget = heigth\n", "did you mean \"height\"?");
    write_text("test.csv", "x,y\n1e39,3\n");
    refuse_table("x,y\n1,2\n3,4\n", PLAIN "test_path = test.csv\n", "too large for single precision");
    write_file("t.csv", "x,y\n1,\0\n", 8);
    refuse_data(PLAIN, "t.csv holds a zero byte");
    remove("t.csv");
    refuse_data(PLAIN, "there is no file t.csv: paths begin at");
}

static void features_are_chosen_by_name(void **state)
{
    (void)state;
    const char *text = "a,b,name,y,,empty\n1,10,u,100,7,\n2,20,7,200,7,\n3,30,v,300,7,\n";
    struct dataset *table = open_table(text, PLAIN);
    ROW(table, 0, 100.0F, 1.0F, 10.0F);
    dataset_close(table);
    table = open_table(text, PLAIN "features = b , a\n");
    ROW(table, 1, 200.0F, 20.0F, 2.0F);
    dataset_close(table);
    refuse_table(text, PLAIN "features = a, c\n",
                 "no column \"c\" (named in features); the columns in its first line are: a, b, name, y, , empty");
    refuse_table(text, PLAIN "features = a, y\n", "\"y\" is the target");
    refuse_table(text, PLAIN "features = a, a\n", "\"a\" is there twice");
    refuse_table(text, PLAIN "features = a,, b\n", "a name is missing");
    refuse_table(text, PLAIN "features = empty\n", "column \"empty\" holds no value");
}

static void text_becomes_categories(void **state)
{
    (void)state;
    struct dataset *table =
        open_table("x,origin,y\n1,usa,5\n2,japan,6\n3,europe,7\n4,japan,8\n", PLAIN "features = x, origin\n");
    ROW(table, 0, 5.0F, 1.0F, 0.0F, 0.0F, 1.0F);
    ROW(table, 1, 6.0F, 2.0F, 0.0F, 1.0F, 0.0F);
    ROW(table, 2, 7.0F, 3.0F, 1.0F, 0.0F, 0.0F);

    /* Another table through its checkpoint: the same channels, and a category that was never seen is none. */
    struct checkpoint saved = saved_from(table);
    write_text("t.csv", "x,origin,y\n1,mars,5\n2,usa,6\n");
    struct dataset *other = open_saved(PLAIN "features = x, origin\n", &saved);
    ROW(other, 0, 5.0F, 1.0F, 0.0F, 0.0F, 0.0F);
    ROW(other, 1, 6.0F, 2.0F, 0.0F, 0.0F, 1.0F);
    dataset_close(other);
    refuse_saved(PLAIN "features = x\n", &saved, "features are not those");
    refuse_saved(PLAIN "features = origin, x\n", &saved, "features are not those");
    refuse_saved(PLAIN "task = classification\n", &saved, "trained with task = regression");
    saved.texts[0].text[0] = '[';
    refuse_saved(PLAIN, &saved, "data/columns of the checkpoint does not describe");
    saved.texts[0].text[0] = '{';
    dataset_close(table);
}

static void missing_values_follow_the_policy(void **state)
{
    (void)state;
    const char *text = "x,z,y\n1,5,10\n?,6,20\n3,,30\n5,7,NA\n8,nan,40\n";
    refuse_table(text, PLAIN, "t.csv:3: column \"x\" has no value here: set missing = drop");
    struct dataset *table = open_table(text, PLAIN "missing = drop\n");
    assert_int_equal(table->count[SPLIT_TRAIN], 1);
    ROW(table, 0, 10.0F, 1.0F, 5.0F);
    dataset_close(table);
    /* A column that is not used may miss what it likes. */
    table = open_table(text, PLAIN "missing = drop\nfeatures = x\n");
    assert_int_equal(table->count[SPLIT_TRAIN], 3);
    dataset_close(table);
    table = open_table(text, PLAIN "missing = mean\n");
    assert_int_equal(table->count[SPLIT_TRAIN], 4);
    ROW(table, 1, 20.0F, 4.0F, 6.0F);
    ROW(table, 2, 30.0F, 3.0F, 5.5F);
    dataset_close(table);
    table = open_table(text, "source = csv\npath = t.csv\ntarget = y\ntest_fraction = 0\nmissing = mean\n");
    float values[4];
    float target[4];
    read_sample(table, SPLIT_TRAIN, 1, values, target);
    assert_true(values[0] == 0.0F);
    dataset_close(table);
    refuse_table("x,y\n1,\n,2\n", PLAIN "missing = drop\n", "holds no row that can be read");
}

/* A table of `rows` rows: x = row, y = 3 x + 1. */
static void write_rows(const char *path, int rows)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "x,y,constant\n");
    for (int i = 0; i < rows; i++) {
        fprintf(file, "%d,%d,7.3\n", i, 3 * i + 1);
    }
    assert_int_equal(fclose(file), 0);
}

static void normalisation_is_learnt_on_the_training_part(void **state)
{
    (void)state;
    write_rows("t.csv", 50);
    const char *keys = "source = csv\npath = t.csv\ntarget = y\n";
    struct dataset *table = open_data(keys);
    assert_int_equal(table->count[SPLIT_TRAIN], 40);
    assert_int_equal(table->count[SPLIT_TEST], 10);
    double sum = 0.0;
    double squares = 0.0;
    bool seen[50] = {false};
    for (int split = 0; split < SPLIT_COUNT; split++) {
        int before = -1;
        for (int64_t i = 0; i < table->count[split]; i++) {
            float values[4];
            float target[4];
            read_sample(table, (enum split)split, i, values, target);
            float y = target[0] * table->target_scale[0] + table->target_offset[0];
            int row = (int)lroundf((y - 1.0F) / 3.0F);
            assert_float_equal(y, (float)(3 * row + 1), 1e-4);
            assert_in_range(row, 0, 49);
            assert_false(seen[row]);
            assert_true(row > before); /* in the order of the file */
            seen[row] = true;
            before = row;
            assert_float_equal(values[1], 0.0F, 1e-6); /* constant */
            sum += split == SPLIT_TRAIN ? (double)values[0] : 0.0;
            squares += split == SPLIT_TRAIN ? (double)(values[0] * values[0]) : 0.0;
        }
    }
    assert_float_equal(sum, 0.0, 1e-4);
    assert_float_equal(squares, 40.0, 1e-3);

    struct checkpoint saved = saved_from(table);
    assert_int_equal(saved.array_count, 4);
    struct dataset *restored = open_saved(keys, &saved);
    assert_true(same_digest(table, restored));
    dataset_close(restored);
    write_rows("t.csv", 20);
    restored = open_saved(keys, &saved);
    assert_float_equal(restored->target_offset[0], table->target_offset[0], 0.0);
    assert_float_equal(restored->target_scale[0], table->target_scale[0], 0.0);
    dataset_close(restored);
    dataset_close(table);
}

static void the_split_is_drawn_by_its_seed(void **state)
{
    (void)state;
    write_rows("t.csv", 50);
    struct dataset *a = open_data("source = csv\npath = t.csv\ntarget = y\n");
    struct dataset *same = open_data("source = csv\npath = t.csv\ntarget = y\nseed = 0\n");
    struct dataset *other = open_data("source = csv\npath = t.csv\ntarget = y\nseed = 1\n");
    struct dataset *half = open_data("source = csv\npath = t.csv\ntarget = y\ntest_fraction = 0.5\n");
    assert_true(same_digest(a, same));
    assert_false(same_digest(a, other));
    assert_int_equal(half->count[SPLIT_TEST], 25);
    int moved = 0;
    for (int64_t i = 0; i < 10; i++) {
        float x[3][4];
        float y[4];
        read_sample(a, SPLIT_TEST, i, x[0], y);
        float in_a = y[0] * a->target_scale[0] + a->target_offset[0];
        read_sample(same, SPLIT_TEST, i, x[1], y);
        assert_memory_equal(x[0], x[1], sizeof x[0]);
        read_sample(other, SPLIT_TEST, i, x[2], y);
        moved += fabsf(in_a - (y[0] * other->target_scale[0] + other->target_offset[0])) > 0.5F;
    }
    assert_true(moved > 4);
    dataset_close(a);
    dataset_close(same);
    dataset_close(other);
    dataset_close(half);
    write_rows("t.csv", 20000); /* longer than what is read at once */
    a = open_data("source = csv\npath = t.csv\ntarget = y\ntest_fraction = 0\n");
    assert_int_equal(a->count[SPLIT_TRAIN], 20000);
    dataset_close(a);
    write_rows("t.csv", 1);
    refuse_data("source = csv\npath = t.csv\ntarget = y\n", "1 rows cannot be split by test_fraction = 0.2");
}

static void a_test_table_of_its_own(void **state)
{
    (void)state;
    write_text("t.csv", "x,y,k\n1,10,a\n2,20,b\n");
    write_text("test.csv", "k,y,x\na,30,3\n");
    const char *keys = PLAIN "test_path = test.csv\nfeatures = x, k\n";
    struct dataset *table = open_data(keys);
    assert_int_equal(table->count[SPLIT_TRAIN], 2);
    assert_int_equal(table->count[SPLIT_TEST], 1);
    float values[4];
    float target[4];
    read_sample(table, SPLIT_TEST, 0, values, target);
    const float expected[] = {3.0F, 1.0F, 0.0F, 0.0F};
    assert_memory_equal(values, expected, sizeof values);
    assert_float_equal(target[0], 30.0F, 0.0);
    dataset_close(table);
    write_text("test.csv", "k,y\na,30\n");
    refuse_data(keys, "test.csv has no column \"x\"");
    write_text("test.csv", "x,k,y\nz,a,30\n");
    refuse_data(keys, "test.csv:2: column \"x\" holds \"z\"");
}

static int32_t label_of(const struct dataset *dataset, enum split split, int64_t index)
{
    float values[WIDTH];
    int32_t label;
    read_sample(dataset, split, index, values, &label);
    return label;
}

static void classes_keep_their_names(void **state)
{
    (void)state;
    struct dataset *table = open_table("x,y\n1,red\n2,blue\n3,red\n4,green\n", CLASSES);
    assert_string_equal(table->fields[1].name, "label");
    assert_int_equal(table->classes, 3);
    assert_string_equal(table->class_names[0], "blue");
    assert_string_equal(table->class_names[2], "red");
    assert_int_equal(label_of(table, SPLIT_TRAIN, 0), 2);
    assert_int_equal(label_of(table, SPLIT_TEST, 3), 1);
    assert_null(table->target_scale);
    struct checkpoint saved = saved_from(table);
    assert_int_equal(saved.array_count, 2);
    write_text("t.csv", "x,y\n1,red\n");
    struct dataset *restored = open_saved(CLASSES, &saved);
    assert_int_equal(restored->classes, 3);
    assert_int_equal(label_of(restored, SPLIT_TRAIN, 0), 2);
    dataset_close(restored);
    write_text("t.csv", "x,y\n1,red\n2,pink\n");
    refuse_saved(CLASSES, &saved, "t.csv:3: \"pink\" is not among the 3 classes");
    dataset_close(table);

    /* Whole numbers by value, however they are written. */
    table = open_table("x,y\n1,10\n2,9.0\n3,010\n4,-1\n", CLASSES);
    assert_int_equal(table->classes, 3);
    assert_string_equal(table->class_names[0], "-1");
    assert_string_equal(table->class_names[1], "9");
    assert_string_equal(table->class_names[2], "10");
    assert_int_equal(label_of(table, SPLIT_TRAIN, 2), 2);
    dataset_close(table);
    refuse_table("x,y\n1,10\n2,9.5\n", CLASSES, "t.csv:3: column \"y\" holds 9.5, which is no class");
    refuse_table("x,y\n1,red\n2,blue\n", PLAIN, "set task = classification");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_numbers_come_through, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(the_format_is_rfc_4180, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(wrong_tables_name_file_and_line, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(features_are_chosen_by_name, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(text_becomes_categories, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(missing_values_follow_the_policy, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(normalisation_is_learnt_on_the_training_part, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(the_split_is_drawn_by_its_seed, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_test_table_of_its_own, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(classes_keep_their_names, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
