#include "cluster/cores.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A number in a file of the kernel's, or -1. */
static int read_number(const char *format, int cpu)
{
    char path[128];
    int number = -1;
    snprintf(path, sizeof path, format, cpu);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%d", &number) != 1) {
            number = -1;
        }
        fclose(file);
    }
    return number;
}

/* The lowest hardware thread of the core stands for it: "0-1" or "0,32" begin with its number. */
static bool stands_for_its_core(const cpu_set_t *allowed, int cpu)
{
    int lowest = read_number("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    return lowest < 0 || lowest == cpu || lowest >= CPU_SETSIZE || !CPU_ISSET((size_t)lowest, allowed);
}

/* A container's share: microseconds of processor time in each period of so many. */
static int share_of_container(int cores)
{
    long quota;
    long period;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (file == NULL) {
        return cores;
    }
    if (fscanf(file, "%ld %ld", &quota, &period) == 2 && period > 0 && quota / period < cores) {
        cores = (int)(quota / period);
    }
    fclose(file);
    return cores;
}

int cores_of_job(void)
{
    cpu_set_t allowed;
    bool launched = getenv("OMPI_COMM_WORLD_SIZE") != NULL;
    if (sched_getaffinity(launched ? getppid() : 0, sizeof allowed, &allowed) != 0) {
        return 1;
    }
    int cores = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET((size_t)cpu, &allowed) && stands_for_its_core(&allowed, cpu)) {
            cores++;
        }
    }
    cores = share_of_container(cores);
    return cores > 1 ? cores : 1;
}
