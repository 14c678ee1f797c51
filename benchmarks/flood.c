/* Sends prepared Ethernet frames at a steady rate: flood INTERFACE RATE COUNT FILE.
 *
 * FILE has each frame behind its length (32 bits, in the machine's byte order). At the end a line
 * with the frames sent and the seconds it took. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 64 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    double rate = atof(argv[2]);
    long count = atol(argv[3]), sent = 0;
    int file = open(argv[4], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status)) return 3;
    unsigned char *data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    int wire = socket(AF_PACKET, SOCK_RAW, 0);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[1])};
    if (wire < 0 || data == MAP_FAILED || bind(wire, (struct sockaddr *)&to, sizeof to)) return 4;
    struct mmsghdr messages[AT_ONCE];
    struct iovec parts[AT_ONCE];
    off_t at = 0;
    double start = now();
    while (sent < count && at < status.st_size) {
        int ready = 0;
        memset(messages, 0, sizeof messages);
        while (ready < AT_ONCE && sent + ready < count && at < status.st_size) {
            uint32_t length;
            memcpy(&length, data + at, 4);
            parts[ready] = (struct iovec){data + at + 4, length};
            messages[ready].msg_hdr.msg_iov = &parts[ready];
            messages[ready].msg_hdr.msg_iovlen = 1;
            at += 4 + length;
            ready++;
        }
        double due = start + sent / rate, early;
        while ((early = due - now()) > 0)
            if (early > 0.0002) usleep((early - 0.0001) * 1e6);
        for (int done = 0; done < ready;) {
            int took = sendmmsg(wire, messages + done, ready - done, 0);
            if (took > 0) done += took;
            else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) return 5;
        }
        sent += ready;
    }
    printf("%ld %.6f\n", sent, now() - start);
    return 0;
}
