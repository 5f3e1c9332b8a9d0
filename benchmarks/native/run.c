/* Runs a command, and tells what it took.

   In C, since the peak of a process begins with that of the one that has started it.

   usage: run PROGRAM [ARGUMENT ...]     prints [µs, µs of CPU, bytes at the peak] */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static long us(struct timeval time) { return time.tv_sec * 1000000 + time.tv_usec; }

int main(int argc, char **argv) {
    int status;
    struct rusage used;
    struct timeval began, ended;
    gettimeofday(&began, NULL);
    pid_t child = vfork();
    if (!child) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) < 0)
        err(1, "run");
    gettimeofday(&ended, NULL);
    if (status)
        errx(1, "%s failed: wait status %d", argv[1], status);
    printf("[%ld, %ld, %ld]\n", us(ended) - us(began), us(used.ru_utime) + us(used.ru_stime),
           used.ru_maxrss * 1024);
    return 0;
}
