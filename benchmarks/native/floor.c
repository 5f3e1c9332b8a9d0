/* The floor: what accepting and closing a connection costs with nothing around it.

   The same socket as the listener's: IPv6 that serves IPv4 too, non-blocking, SO_REUSEADDR, waited
   for with a level-triggered epoll, one accept per wake-up.

   usage: floor BACKLOG     prints "tcp PORT", then serves until it is killed */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int on = 1, off = 0;
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t length = sizeof address;
    if (argc != 2 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) ||
        bind(listener, (struct sockaddr *)&address, length) || listen(listener, atoi(argv[1])) ||
        getsockname(listener, (struct sockaddr *)&address, &length) ||
        epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event)) {
        perror("usage: floor BACKLOG");
        return 2;
    }
    printf("tcp %d\n", ntohs(address.sin6_port));
    fflush(stdout);
    for (;;)
        if (epoll_wait(poller, &event, 1, -1) == 1)
            close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}
