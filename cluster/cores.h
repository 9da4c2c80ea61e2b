/* How many cores this host has for a job. */
#ifndef CLUSTER_CORES_H
#define CLUSTER_CORES_H

/*
 * Cores, not hardware threads, that the job may use: what the launcher may use (mpirun binds each rank to one core, and
 * is itself bound to none), and no more than the container's share of processor time. At least 1.
 */
int cores_of_job(void);

#endif
