/*
 * The least that a collection of the default collectors can cost: reads what they read, understands
 * nothing and sends nothing.
 *
 *     floor MILLISECONDS HOW:PATH...
 *
 * keep:FILE  stays open between two readings       open:FILE  is opened anew each time
 * stat:PATH  is asked with statvfs(3)              rare:FILE  like keep, at every sixth tick or once a minute
 * pids:N     lists /proc, and reads the status of N processes in turn
 */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { HOW = 5, MOST_ITEMS = 64, MOST_PROCESSES = 65536, RARELY = 6, MINUTE = 60000 };

static char buffer[1 << 16];
static int processes[MOST_PROCESSES];

static void read_whole(int fd) {
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, buffer, sizeof buffer, at)) > 0) at += got;
}

static void read_anew(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return;
    read_whole(fd);
    close(fd);
}

static void read_processes(int most) {
    static int turn;
    int count = 0;
    DIR *proc = opendir("/proc");
    if (proc == NULL) return;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]) && count < MOST_PROCESSES)
            processes[count++] = atoi(entry->d_name);
    closedir(proc);
    for (int i = 0; i < most && i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/stat", processes[turn++ % count]);
        read_anew(path);
    }
}

int main(int count, char **words) {
    if (count < 3 || count - 2 > MOST_ITEMS) return 64;
    long interval = atol(words[1]);
    if (interval < 1) return 64;
    long rarely = MINUTE / interval > RARELY ? MINUTE / interval : RARELY;
    int kept[MOST_ITEMS];
    for (int i = 2; i < count; i++) {
        int stays = !strncmp(words[i], "keep:", HOW) || !strncmp(words[i], "rare:", HOW);
        kept[i - 2] = stays ? open(words[i] + HOW, O_RDONLY) : -1;
    }
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (long tick = 0;; tick++) {
        for (int i = 2; i < count; i++) {
            const char *path = words[i] + HOW;
            struct statvfs answer;
            switch (words[i][0]) {
            case 'r':
                if (tick % rarely != 0) break;
                /* fall through */
            case 'k':
                if (kept[i - 2] >= 0) read_whole(kept[i - 2]);
                break;
            case 'o': read_anew(path); break;
            case 's': if (statvfs(path, &answer) != 0) break; break;
            case 'p': read_processes(atoi(path)); break;
            }
        }
        next.tv_sec += interval / 1000;
        next.tv_nsec += interval % 1000 * 1000000;
        if (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec += 1;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}
