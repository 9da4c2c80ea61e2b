/* What the tests of checkpoint files share: a folder with the path of one file, saving to it, and its refusal. */
#ifndef TESTS_UNIT_CHECKPOINT_PLACE_H
#define TESTS_UNIT_CHECKPOINT_PLACE_H

#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoints/image.h"
#include "tests/sample_checkpoint.h"

struct place {
    char *folder;
    char *path; /* of one file in it */
};

static inline int make_place(void **state)
{
    static struct place place;
    assert_ok(make_test_folder(&place.folder));
    assert_ok(memory_format(&place.path, "%s/checkpoint.h5", place.folder));
    *state = &place;
    return 0;
}

static inline int remove_place(void **state)
{
    struct place *place = *state;
    free(place->path);
    remove_test_folder(place->folder);
    return 0;
}

static inline void save(const struct checkpoint *checkpoint, const char *path)
{
    struct image image = {0};
    assert_ok(image_write(&image, checkpoint));
    assert_ok(write_test_file(path, image.data, image.length));
    image_release(&image);
}

static inline void assert_refused(const char *path, enum status expected, const char *reason)
{
    struct checkpoint *loaded = (struct checkpoint *)&loaded;
    assert_int_equal(checkpoint_load(path, &loaded), expected);
    assert_null(loaded);
    assert_non_null(strstr(status_message(), path));
    if (strstr(status_message(), reason) == NULL) {
        fail_msg("expected \"%s\" in: %s", reason, status_message());
    }
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

#endif
