/* Signals that ask for a stop. Each case is a process of its own: the wish to stop has no way back. */
#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/stop.h"

/* Sends itself the signals; exits with 0 where the flag and the name are those of the first. */
static _Noreturn void receive(const int *signals, int count, const char *name)
{
    if (stop_requested() || stop_signal() != NULL || stop_install() != STATUS_OK || stop_requested()) {
        _exit(1);
    }
    for (int i = 0; i < count; i++) {
        raise(signals[i]);
    }
    bool good = stop_requested() && stop_signal() != NULL && strcmp(stop_signal(), name) == 0;
    _exit(good ? 0 : 2);
}

static int outcome(const int *signals, int count, const char *name)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        receive(signals, count, name);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    return result;
}

static void signals_set_a_flag_and_the_first_gives_the_name(void **state)
{
    (void)state;
    assert_int_equal(outcome((int[]){SIGUSR1}, 1, "SIGUSR1"), 0);
    assert_int_equal(outcome((int[]){SIGTERM}, 1, "SIGTERM"), 0);
    assert_int_equal(outcome((int[]){SIGINT}, 1, "SIGINT"), 0);
    assert_int_equal(outcome((int[]){SIGUSR1, SIGTERM, SIGUSR1, SIGINT}, 4, "SIGUSR1"), 0);
}

static void a_second_interrupt_kills(void **state)
{
    (void)state;
    int result = outcome((int[]){SIGINT, SIGINT}, 2, "SIGINT");
    assert_true(WIFSIGNALED(result));
    assert_int_equal(WTERMSIG(result), SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_set_a_flag_and_the_first_gives_the_name),
        cmocka_unit_test(a_second_interrupt_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
