/*
 * The wish to stop: SIGUSR1 (mpirun forwards it), SIGTERM and SIGINT only set a flag; the ranks agree on it at a step's
 * end, save and exit with 85. A second SIGINT ends the process at once.
 */
#ifndef CLUSTER_STOP_H
#define CLUSTER_STOP_H

#include <stdbool.h>

#include "base/status.h"

/* Installs the handlers; call before comm_create(), which mpirun's forwarded signals may otherwise precede. */
enum status stop_install(void) MUST_CHECK;
/* Whether this rank was asked to stop; the ranks must still agree (comm_max). */
bool stop_requested(void);
/* The signal's name, "SIGUSR1", or NULL. */
const char *stop_signal(void);

#endif
