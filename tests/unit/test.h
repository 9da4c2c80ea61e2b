/* cmocka with what it needs ahead of it, and without its fail(), which is ours (base/status.h). */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail
#undef fail_msg /* cmocka's own calls its fail() */
#include "base/status.h"

#define fail_msg(message, ...)                                                                                         \
    do {                                                                                                               \
        print_error("ERROR: " message "\n", ##__VA_ARGS__);                                                            \
        _fail(__FILE__, __LINE__);                                                                                     \
    } while (0)

/* Succeeds where `call` returns STATUS_OK, and shows its message where it does not. */
#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        if ((call) != STATUS_OK) {                                                                                     \
            fail_msg("%s: %s (%s)", #call, status_message(), status_where());                                          \
        }                                                                                                              \
    } while (0)

#endif
