/* The floor: what accepting and closing a connection costs with nothing around it.

   The same socket as the listener's: IPv6 that serves IPv4 too, non-blocking, SO_REUSEADDR, waited
   for with a level-triggered epoll, one accept per wake-up.

   usage: floor BACKLOG     prints the port, then serves until it is killed */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: floor BACKLOG\n", stderr);
        return 2;
    }
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(listener, "socket");
    int on = 1, off = 0;
    must(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
    must(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), "IPV6_V6ONLY");
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t length = sizeof address;
    must(bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    must(listen(listener, atoi(argv[1])), "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    printf("%d\n", ntohs(address.sin6_port));
    fflush(stdout);

    int poller = epoll_create1(EPOLL_CLOEXEC);
    must(poller, "epoll_create1");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    must(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    for (;;) {
        if (epoll_wait(poller, &event, 1, -1) == 1) {
            int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (accepted >= 0)
                close(accepted);
        }
    }
}
