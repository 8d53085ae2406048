/* Sets what a process reads as wall-clock time; the harness rewrites it at any moment.
 *
 * The file that HARNESS_CLOCK_PAGE names holds two int64, mapped read-only. The first is nanoseconds << 1, with a flag in its
 * lowest bit, so that one 8-byte store changes both at once. Flag 0: an offset, added to the real time. Flag 1: a moment at
 * which the clock is held, so that a stream played at any speed reads the same times in every run. The second is the monotonic
 * time of the last store: a held clock that nobody has touched for HOLD_NS goes on at real speed, so that a program that
 * waits for the clock to change is not hung by us.
 * Only CLOCK_REALTIME and CLOCK_REALTIME_COARSE are shifted: monotonic clocks, sleeps and timers stay real, since
 * shifting those stalls runtimes that compute deadlines from them. Built with: cc -O2 -shared -fPIC -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL
#define HOLD_NS (2 * NS)
#define PAGE_BYTES (2 * sizeof(int64_t))

typedef int (*clock_gettime_fn)(clockid_t, struct timespec *);

static const volatile int64_t *page;
static clock_gettime_fn real_clock_gettime;

static void setup(void) __attribute__((constructor));
static void setup(void) {
    if (!real_clock_gettime)
        real_clock_gettime = (clock_gettime_fn)dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("HARNESS_CLOCK_PAGE");
    if (page || !path)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size >= (off_t)PAGE_BYTES) {
        void *m = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        if (m != MAP_FAILED)
            page = (const volatile int64_t *)m;
    }
    close(fd);
}

static int shifted(clockid_t clk) {
    return clk == CLOCK_REALTIME || clk == CLOCK_REALTIME_COARSE;
}

static int64_t read_ns(clockid_t clk) {
    struct timespec ts;
    real_clock_gettime(clk, &ts);
    return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

static int64_t now_ns(clockid_t clk) {
    if (!real_clock_gettime)
        setup();
    if (!page)
        return read_ns(clk);
    int64_t word = page[0];
    if (!(word & 1))
        return read_ns(clk) + (word >> 1);
    int64_t idle = read_ns(CLOCK_MONOTONIC) - page[1] - HOLD_NS;
    return (word >> 1) + (idle > 0 ? idle : 0);
}

static void split(int64_t ns, int64_t *sec, int64_t *rest) {
    *sec = ns / NS;
    *rest = ns % NS;
    if (*rest < 0) {
        *rest += NS;
        *sec -= 1;
    }
}

int clock_gettime(clockid_t clk, struct timespec *ts) {
    if (!real_clock_gettime)
        setup();
    if (!shifted(clk) || !ts)
        return real_clock_gettime(clk, ts);
    int64_t sec, rest;
    split(now_ns(clk), &sec, &rest);
    ts->tv_sec = (time_t)sec;
    ts->tv_nsec = (long)rest;
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
    if (tz)
        *(struct timezone *)tz = (struct timezone){0, 0};
    if (!tv)
        return 0;
    int64_t sec, rest;
    split(now_ns(CLOCK_REALTIME), &sec, &rest);
    tv->tv_sec = (time_t)sec;
    tv->tv_usec = (suseconds_t)(rest / 1000);
    return 0;
}

time_t time(time_t *out) {
    int64_t sec, rest;
    split(now_ns(CLOCK_REALTIME), &sec, &rest);
    if (out)
        *out = (time_t)sec;
    return (time_t)sec;
}

int timespec_get(struct timespec *ts, int base) {
    if (base != TIME_UTC)
        return 0;
    return clock_gettime(CLOCK_REALTIME, ts) == 0 ? base : 0;
}
