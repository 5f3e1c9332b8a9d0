/* Makes checks as kubelet makes them, and times each in ns.

   usage: client KIND PORT COUNT LEVEL PERIOD_NS spin|sleep
          client run PROGRAM [ARGUMENT ...]

   KIND    tcp: connect, close; eof: connect, read to the end, close;
           http: connect, GET /healthz, read to the end, close
   LEVEL   so many checks are open at once: all are connected before one is read
   stdout  native int64s: (connect, to the end) for each check, in ns, counted for all checks at
           once from the first one's begin; or the command's time from start to end in ns, its CPU
           time in ns, and its peak of resident memory in bytes */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char REQUEST[] = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                              "User-Agent: kube-probe/1.36\r\nAccept: */*\r\n"
                              "Connection: close\r\n\r\n";

static void must(int holds, const char *what) {
    if (!holds)
        err(1, "%s", what);
}

static void tell(const int64_t *records, size_t count) {
    must(fwrite(records, sizeof *records, count, stdout) == count, "write");
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void pause_until(int64_t end, int spin) {
    struct timespec time = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
    if (!spin)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    while (now() < end)
        ;
}

static int new_socket(void) {
    int checked = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct linger linger = {1, 1}; /* as kubelet */
    struct timeval limit = {.tv_sec = 20};
    must(checked >= 0 && !setsockopt(checked, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) &&
             !setsockopt(checked, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) &&
             !setsockopt(checked, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit),
         "socket");
    return checked;
}

static void read_to_the_end(int checked, int http) {
    char answer[4096];
    ssize_t got, answered = 0;
    while ((got = read(checked, answer, sizeof answer)) > 0) {
        if (!answered && (got < 12 || strncmp(answer, "HTTP/1.1 200", 12)))
            break;
        answered += got;
    }
    must(got >= 0, "read"); /* EAGAIN: no end within 20 s */
    if (got || (http && !answered))
        errx(1, "expected HTTP/1.1 200, got %.*s", got > 12 ? 12 : (int)got, answer);
}

static void check(int64_t *record, const char *kind, int port, long level, int *open) {
    struct sockaddr_in address = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    int http = !strcmp(kind, "http"), length = sizeof REQUEST - 1;
    for (long index = 0; index < level; index++)
        open[index] = new_socket();
    int64_t began = now();
    for (long index = 0; index < level; index++) {
        must(!connect(open[index], (struct sockaddr *)&address, sizeof address), "connect");
        record[2 * index] = now() - began;
        if (http)
            must(send(open[index], REQUEST, length, MSG_NOSIGNAL) == length, "send");
    }
    for (long index = 0; index < level; index++) {
        if (strcmp(kind, "tcp"))
            read_to_the_end(open[index], http);
        record[2 * index + 1] = now() - began;
        close(open[index]);
    }
}

static void run(char **command) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t child;
    int status;
    struct rusage used;
    int64_t began = now();
    must(!(errno = posix_spawnp(&child, command[0], &actions, NULL, command, environ)), command[0]);
    must(wait4(child, &status, 0, &used) >= 0, "wait4");
    int64_t took = now() - began;
    if (status)
        errx(1, "%s failed: wait status %d", command[0], status);
    int64_t cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) +
                     used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    tell((int64_t[]){took, cpu_us * 1000, used.ru_maxrss * INT64_C(1024)}, 3);
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], "run")) {
        run(argv + 2);
        return 0;
    }
    if (argc != 7)
        errx(2, "usage: client KIND|run ... (see the source)");
    long count = atol(argv[3]), level = atol(argv[4]);
    int64_t period = atoll(argv[5]), *records = calloc(2 * count, sizeof *records), next = now();
    int *open = calloc(level, sizeof *open);
    for (long index = 0; index < count; index += level) {
        check(records + 2 * index, argv[1], atoi(argv[2]), level, open);
        if (period)
            pause_until(next += period, !strcmp(argv[6], "spin"));
    }
    tell(records, 2 * count);
    return 0;
}
