/* Runs a command, and tells what it took.

   In C, since the peak of a process begins with that of the one that has started it.

   usage: run PROGRAM [ARGUMENT ...]     prints [µs, µs of CPU, bytes at the peak] */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int status;
    struct rusage used;
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    pid_t child = vfork();
    if (!child) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) < 0)
        err(1, "run");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (status)
        errx(1, "%s failed: wait status %d", argv[1], status);
    printf("[%ld, %ld, %ld]\n",
           (ended.tv_sec - began.tv_sec) * 1000000 + (ended.tv_nsec - began.tv_nsec) / 1000,
           (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
               used.ru_stime.tv_usec,
           used.ru_maxrss * 1024);
    return 0;
}
