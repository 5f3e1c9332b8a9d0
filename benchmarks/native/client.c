/* Makes checks as kubelet makes them, and times each in ns.

   usage: client one-by-one KIND PORT COUNT PERIOD_NS spin|sleep
          client at-once KIND PORT LEVEL BATCHES
          client commands COUNT PROGRAM [ARGUMENT ...]

   KIND    tcp: connect, close; eof: connect, read to the end, close;
           http: connect, GET /healthz, read to the end, close
   stdout  native int64s: (connect, to the end) for each check, in ns; for each command
           (from start to end in ns, its CPU time in ns, its peak of resident memory in bytes) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { TCP, TO_EOF, HTTP };
static struct sockaddr_in address = {.sin_family = AF_INET};
static char request[200];
static int kind;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void pause_until(int64_t end, int spin) {
    struct timespec time = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
    if (spin)
        while (now() < end)
            ;
    else
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
            ;
}

static void aim(const char *name, const char *port) {
    kind = !strcmp(name, "http") ? HTTP : !strcmp(name, "eof") ? TO_EOF : TCP;
    address.sin_port = htons(atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(request, sizeof request,
             "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nUser-Agent: kube-probe/1.36\r\n"
             "Accept: */*\r\nConnection: close\r\n\r\n",
             port);
}

static int new_socket(int flags) {
    int checked = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    struct linger linger = {1, 1}; /* as kubelet */
    struct timeval limit = {.tv_sec = 20};
    if (checked < 0 || setsockopt(checked, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) ||
        setsockopt(checked, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ||
        setsockopt(checked, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit))
        fail("socket");
    return checked;
}

static void ask(int checked) {
    ssize_t length = strlen(request);
    if (kind == HTTP && send(checked, request, length, MSG_NOSIGNAL) != length)
        fail("send");
}

/* Returns 1 at the end of the stream, 0 where there is nothing more to read yet. */
static int read_on(int checked, int *answered) {
    char answer[4096];
    ssize_t got;
    while ((got = read(checked, answer, sizeof answer)) > 0) {
        if (!*answered && (got < 12 || strncmp(answer, "HTTP/1.1 200", 12))) {
            fprintf(stderr, "expected HTTP/1.1 200, got %.12s\n", answer);
            exit(1);
        }
        *answered = 1;
    }
    if (got < 0 && errno != EAGAIN)
        fail("read");
    if (got == 0 && kind == HTTP && !*answered) {
        fputs("expected HTTP/1.1 200, got nothing\n", stderr);
        exit(1);
    }
    return got == 0;
}

static void one_by_one(int64_t *record, long count, int64_t period, int spin) {
    int64_t next = now();
    for (long check = 0; check < count; check++, record += 2) {
        int answered = 0;
        int checked = new_socket(0);
        int64_t began = now();
        if (connect(checked, (struct sockaddr *)&address, sizeof address))
            fail("connect");
        record[0] = now() - began;
        ask(checked);
        if (kind != TCP && !read_on(checked, &answered)) {
            fputs("no end of the stream within 20 s\n", stderr);
            exit(1);
        }
        record[1] = now() - began;
        close(checked);
        if (period)
            pause_until(next += period, spin);
    }
}

static void at_once(int64_t *record, long level) {
    int poller = epoll_create1(EPOLL_CLOEXEC);
    int *sockets = calloc(level, sizeof *sockets), *answered = calloc(level, sizeof *answered);
    int64_t began = now();
    for (long check = 0; check < level; check++) {
        struct epoll_event event = {.events = EPOLLOUT, .data.u32 = check};
        sockets[check] = new_socket(SOCK_NONBLOCK);
        if (connect(sockets[check], (struct sockaddr *)&address, sizeof address) &&
            errno != EINPROGRESS)
            fail("connect");
        if (epoll_ctl(poller, EPOLL_CTL_ADD, sockets[check], &event))
            fail("epoll_ctl");
    }
    for (long open = level; open;) {
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, 20000);
        if (ready <= 0) {
            fprintf(stderr, "%ld checks without an end within 20 s\n", open);
            exit(1);
        }
        for (int index = 0; index < ready; index++) {
            long check = events[index].data.u32;
            int checked = sockets[check];
            if (events[index].events & EPOLLOUT) {
                struct epoll_event event = {.events = EPOLLIN, .data.u32 = check};
                int error = 0;
                socklen_t length = sizeof error;
                getsockopt(checked, SOL_SOCKET, SO_ERROR, &error, &length);
                if ((errno = error))
                    fail("connect");
                record[2 * check] = now() - began;
                ask(checked);
                if (epoll_ctl(poller, EPOLL_CTL_MOD, checked, &event))
                    fail("epoll_ctl");
            } else if (read_on(checked, &answered[check])) {
                record[2 * check + 1] = now() - began;
                close(checked);
                open--;
            }
        }
    }
    close(poller);
    free(sockets);
    free(answered);
}

static void run_command(int64_t *record, char **command) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t child;
    int status;
    struct rusage used;
    int64_t began = now();
    if ((errno = posix_spawnp(&child, command[0], &actions, NULL, command, environ)))
        fail(command[0]);
    if (wait4(child, &status, 0, &used) < 0)
        fail("wait4");
    record[0] = now() - began;
    if (status) {
        fprintf(stderr, "%s failed: wait status %d\n", command[0], status);
        exit(1);
    }
    int64_t seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
    record[1] = (seconds * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
    record[2] = used.ru_maxrss * INT64_C(1024);
    posix_spawn_file_actions_destroy(&actions);
}

int main(int argc, char **argv) {
    size_t length;
    int64_t *records;
    if (argc == 7 && !strcmp(argv[1], "one-by-one")) {
        long count = atol(argv[4]);
        aim(argv[2], argv[3]);
        records = calloc(length = 2 * count, sizeof *records);
        one_by_one(records, count, atoll(argv[5]), !strcmp(argv[6], "spin"));
    } else if (argc == 6 && !strcmp(argv[1], "at-once")) {
        long level = atol(argv[4]), batches = atol(argv[5]);
        aim(argv[2], argv[3]);
        records = calloc(length = 2 * level * batches, sizeof *records);
        for (long batch = 0; batch < batches; batch++)
            at_once(records + 2 * level * batch, level);
    } else if (argc >= 4 && !strcmp(argv[1], "commands")) {
        long count = atol(argv[2]);
        records = calloc(length = 3 * count, sizeof *records);
        for (long index = 0; index < count; index++)
            run_command(records + 3 * index, argv + 3);
    } else {
        fputs("usage: client one-by-one|at-once|commands ... (see the source)\n", stderr);
        return 2;
    }
    if (fwrite(records, sizeof *records, length, stdout) != length)
        fail("write");
    return 0;
}
