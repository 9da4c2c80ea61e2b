#include "cluster/stop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* A handler has nowhere else to leave its message. */
static volatile sig_atomic_t received;

static void note_signal(int number)
{
    if (received == 0) {
        received = number;
    }
}

enum status stop_install(void)
{
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGINT};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action = {.sa_handler = note_signal};
        sigemptyset(&action.sa_mask);
        /* Restarted calls: a signal must not fail a write. A second SIGINT meets the default action, which kills. */
        action.sa_flags = numbers[i] == SIGINT ? (int)(SA_RESTART | SA_RESETHAND) : SA_RESTART;
        if (sigaction(numbers[i], &action, NULL) != 0) {
            return fail(STATUS_FAILED, "no handler for SIG%s: %s", sigabbrev_np(numbers[i]), strerror(errno));
        }
    }
    return STATUS_OK;
}

bool stop_requested(void)
{
    return received != 0;
}

const char *stop_signal(void)
{
    switch (received) {
    case SIGUSR1:
        return "SIGUSR1";
    case SIGTERM:
        return "SIGTERM";
    case SIGINT:
        return "SIGINT";
    default:
        return NULL;
    }
}
