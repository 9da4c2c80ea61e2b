/* cmocka with what it needs ahead of it, and without its fail(), which is ours (base/status.h). */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail
#include "base/status.h"

/* Succeeds where `call` returns STATUS_OK, and shows its message where it does not. */
#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        if ((call) != STATUS_OK) {                                                                                     \
            fail_msg("%s: %s (%s)", #call, status_message(), status_where());                                          \
        }                                                                                                              \
    } while (0)

#endif
