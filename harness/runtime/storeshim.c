/* Shows the harness where a process stands in its SQLite file, and lets it hold the process there.
 *
 * SQLite has no server and so no wire, but its transactions are visible: they are exactly the POSIX locks that it takes and gives
 * back. An *operation* is a part of a transaction: reading ('r', from the first lock to the last), writing ('w', from the write
 * lock on), and the commit ('c', from the first byte of it until the locks are given back, when its changes are there for
 * all). Before each begins, and after the last has ended and no lock is held, we say so on a socket, two bytes, and wait for one
 * byte: '.' go on, 'x' fail with EIO instead. That one part ends because the next begins, and that a lock is refused, is told
 * without waiting.
 *
 * HARNESS_STORE_FILE names the database, HARNESS_STORE_OPERATIONS the socket. Without them, or without anybody who listens,
 * nothing happens. Locks are a process's, not a connection's, so two transactions of one process that overlap count as one.
 * Built with: cc -O2 -shared -fPIC -ldl -lpthread
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Bytes that SQLite locks: in the database file (journal modes with a rollback journal), and in FILE-shm (WAL). */
#define PENDING 0x40000000LL
#define RESERVED (PENDING + 1)
#define SHARED (PENDING + 2)
#define SHM_WRITE 120
#define SHM_CHECKPOINT 121
#define SHM_READ 123
#define SHM_READS 5
#define DB_BIT (1 << SHM_READS)

enum file { NONE, DB, SHM, WAL };
enum act { OTHER, READ, WRITE, COMMIT };

typedef int (*fcntl_fn)(int, int, ...);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef int (*usleep_fn)(useconds_t);
typedef int (*nanosleep_fn)(const struct timespec *, struct timespec *);

static fcntl_fn real_fcntl, real_fcntl64;
static pwrite_fn real_pwrite, real_pwrite64;
static usleep_fn real_usleep;
static nanosleep_fn real_nanosleep;
static char db_path[PATH_MAX], shm_path[PATH_MAX + 8], wal_path[PATH_MAX + 8];
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static int active;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int control = -1;
static ino_t control_inode;

static int wal, reading, writing, checkpointing; /* the locks of this process; `writing` says by which file */
static volatile char operation;                  /* the one under way: 'r', 'w', 'c', or 0 */
static int refused, waiting;                     /* its lock was refused; and SQLite sleeps, to try again */
static int done;                                 /* its write lock is given back, a reader's is not yet */
static __thread int just_refused;

static void forget(void) { /* in a child: it has none of its parent's locks, and needs a socket of its own */
    pthread_mutex_init(&mutex, NULL);
    if (control >= 0)
        close(control);
    control = -1;
    reading = writing = checkpointing = refused = waiting = done = 0;
    operation = 0;
}

static void setup(void) __attribute__((constructor));
static void setup(void) {
    if (!real_fcntl) {
        real_fcntl = (fcntl_fn)dlsym(RTLD_NEXT, "fcntl");
        real_fcntl64 = (fcntl_fn)dlsym(RTLD_NEXT, "fcntl64");
        real_usleep = (usleep_fn)dlsym(RTLD_NEXT, "usleep");
        real_nanosleep = (nanosleep_fn)dlsym(RTLD_NEXT, "nanosleep");
        real_pwrite = (pwrite_fn)dlsym(RTLD_NEXT, "pwrite");
        real_pwrite64 = (pwrite_fn)dlsym(RTLD_NEXT, "pwrite64");
        if (!real_fcntl64)
            real_fcntl64 = real_fcntl;
        if (!real_pwrite64)
            real_pwrite64 = real_pwrite;
    }
    const char *db = getenv("HARNESS_STORE_FILE"), *sock = getenv("HARNESS_STORE_OPERATIONS");
    if (active || !db || !sock || strlen(db) >= sizeof db_path || strlen(sock) >= sizeof socket_path)
        return;
    strcpy(db_path, db);
    snprintf(shm_path, sizeof shm_path, "%s-shm", db);
    snprintf(wal_path, sizeof wal_path, "%s-wal", db);
    strcpy(socket_path, sock);
    pthread_atfork(NULL, NULL, forget);
    active = 1;
}

/* -- the socket ------------------------------------------------------------------------------------------------------------ */

static int still_ours(void) { /* a program may close descriptors that it does not know, and their numbers are given out again */
    struct stat st;
    return control >= 0 && fstat(control, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == control_inode;
}

static int reach(void) {
    if (still_ours())
        return 1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    strcpy(address.sun_path, socket_path);
    control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (control < 0)
        return 0;
    if (connect(control, (struct sockaddr *)&address, sizeof address) != 0 || fstat(control, &st) != 0) {
        close(control);
        control = -1;
        return 0;
    }
    control_inode = st.st_ino;
    return 1;
}

static void tell(char what, char kind) {
    char said[2] = {what, kind};
    if (reach())
        send(control, said, sizeof said, MSG_NOSIGNAL);
}

static char ask(char what, char kind) {
    char answer = '.';
    ssize_t got;
    tell(what, kind);
    if (control < 0)
        return '.';
    do
        got = recv(control, &answer, 1, 0);
    while (got < 0 && errno == EINTR);
    return got == 1 ? answer : '.';
}

/* -- operations ------------------------------------------------------------------------------------------------------------ */

static int same(const struct stat *one, const char *path) {
    struct stat other;
    return stat(path, &other) == 0 && other.st_ino == one->st_ino && other.st_dev == one->st_dev;
}

static enum file which(int fd) {
    struct stat st;
    if (!active || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return NONE;
    return same(&st, db_path) ? DB : same(&st, shm_path) ? SHM : NONE;
}

static int covers(const struct flock *lock, off_t byte) {
    return lock->l_start <= byte && (lock->l_len == 0 || byte < lock->l_start + lock->l_len);
}

static enum act wanted(enum file file, const struct flock *lock) {
    off_t at = lock->l_start;
    if (lock->l_type == F_UNLCK)
        return OTHER;
    if (file == SHM) {
        if (at == SHM_WRITE)
            return WRITE;
        return at >= SHM_READ && at < SHM_READ + SHM_READS && !reading && !writing && !checkpointing ? READ : OTHER;
    }
    if (wal) /* the lock on the database itself is then held as long as the connection is */
        return OTHER;
    if (lock->l_type == F_WRLCK) /* whoever may write waits for the readers to leave when he comes to commit */
        return at == RESERVED ? WRITE : at == PENDING && writing == DB ? COMMIT : OTHER;
    return (at == PENDING || at == SHARED) && !reading ? READ : OTHER;
}

static int goes_on(char kind) { /* more of an operation that has begun: another lock of it, or SQLite's own next attempt */
    if (operation == 'w' && waiting)
        return 1;
    return operation == 'r' && kind == 'r' && (!refused || waiting);
}

static void end(void) {
    char kind = operation;
    operation = 0;
    refused = waiting = done = 0;
    if (kind)
        ask('e', kind);
}

static void next(char kind) { /* another part of the same transaction begins */
    if (operation && !done && !refused)
        tell('n', operation);
    else if (done)
        end();
    operation = kind;
    refused = waiting = done = 0;
}

static int begin(char kind) { /* 0, or the error that it is to fail with */
    if (goes_on(kind))
        return 0;
    next(kind);
    if (ask('b', kind) != 'x')
        return 0;
    operation = 0;
    return EIO;
}

static int commit(void) { /* 0, or the error that it is to fail with */
    if (operation != 'w')
        return 0;
    next('c');
    if (ask('b', 'c') != 'x')
        return 0;
    operation = 0;
    return EIO;
}

static void released(enum file file, const struct flock *lock) {
    int before = reading;
    if (file == SHM) {
        if (covers(lock, SHM_CHECKPOINT))
            checkpointing = 0;
        for (int slot = 0; slot < SHM_READS; slot++)
            if (covers(lock, SHM_READ + slot))
                reading &= ~(1 << slot);
    } else if (covers(lock, SHARED))
        reading &= ~DB_BIT;
    if (writing == (int)file && covers(lock, file == SHM ? SHM_WRITE : RESERVED)) {
        writing = 0;
        done = operation == 'w' || operation == 'c';
    }
    if (!reading && (done || (before && operation == 'r')))
        end();
}

static void got(enum file file, enum act act, const struct flock *lock) {
    off_t at = lock->l_start;
    if (act != OTHER)
        just_refused = 0;
    if (file == SHM && !wal) { /* what began as a reader of the database was the opening of a connection */
        wal = 1;
        reading &= ~DB_BIT;
        if (operation == 'r' && act == OTHER)
            end();
    }
    if (file == SHM && at == SHM_CHECKPOINT && lock->l_type == F_WRLCK)
        checkpointing = 1;
    if (act == WRITE)
        writing = file;
    if (act == READ && lock->l_type == F_RDLCK && file == SHM)
        reading |= 1 << (at - SHM_READ);
    if (act == READ && at == SHARED && file == DB)
        reading |= DB_BIT;
    /* On the way to the write lock SQLite takes a reader's again each time. */
    if (refused && operation && (operation != 'w' || act == WRITE)) {
        refused = waiting = 0;
        tell('g', operation);
    }
}

static void denied(enum file file, enum act act, const struct flock *lock) {
    /* A reader in WAL mode takes another slot; what a checkpoint cannot have it does without. */
    int matters = act == WRITE || act == COMMIT || (file == DB && !wal && (act == READ || (lock->l_type == F_WRLCK && writing)));
    if (!matters || !operation)
        return;
    tell('f', operation);
    refused = just_refused = 1;
    waiting = 0;
}

static int locked(fcntl_fn real, int fd, int cmd, struct flock *lock) {
    enum file file = lock && lock->l_whence == SEEK_SET ? which(fd) : NONE;
    if (file == NONE)
        return real(fd, cmd, lock);
    pthread_mutex_lock(&mutex);
    enum act act = wanted(file, lock);
    int failure = act == OTHER ? 0 : act == COMMIT ? commit() : begin(act == READ ? 'r' : 'w');
    pthread_mutex_unlock(&mutex);
    if (failure) {
        errno = failure;
        return -1;
    }
    int result = real(fd, cmd, lock), why = errno;
    pthread_mutex_lock(&mutex);
    if (result != -1 && lock->l_type == F_UNLCK)
        released(file, lock);
    else if (result != -1)
        got(file, act, lock);
    else if (why == EAGAIN || why == EACCES)
        denied(file, act, lock);
    pthread_mutex_unlock(&mutex);
    errno = why;
    return result;
}

static int through(fcntl_fn *real, int fd, int cmd, void *argument) {
    if (!*real)
        setup();
    if (cmd == F_SETLK || cmd == F_SETLKW)
        return locked(*real, fd, cmd, argument);
    return (*real)(fd, cmd, argument);
}

int fcntl(int fd, int cmd, ...) {
    va_list rest;
    va_start(rest, cmd);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return through(&real_fcntl, fd, cmd, argument);
}

int fcntl64(int fd, int cmd, ...) {
    va_list rest;
    va_start(rest, cmd);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return through(&real_fcntl64, fd, cmd, argument);
}

static int spoils(int fd) { /* before the first byte of a commit in WAL mode goes out: 0, or the error */
    struct stat st;
    int failure = 0;
    if (operation != 'w' || writing != SHM || fstat(fd, &st) != 0 || !same(&st, wal_path))
        return 0;
    pthread_mutex_lock(&mutex);
    failure = commit();
    pthread_mutex_unlock(&mutex);
    return failure;
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t at) {
    if (!real_pwrite)
        setup();
    int failure = spoils(fd);
    if (!failure)
        return real_pwrite(fd, from, bytes, at);
    errno = failure;
    return -1;
}

ssize_t pwrite64(int fd, const void *from, size_t bytes, off_t at) {
    if (!real_pwrite64)
        setup();
    int failure = spoils(fd);
    if (!failure)
        return real_pwrite64(fd, from, bytes, at);
    errno = failure;
    return -1;
}

static void sleeps(void) { /* SQLite's own wait for a lock is a sleep by the thread that was refused it */
    if (!just_refused)
        return;
    just_refused = 0;
    pthread_mutex_lock(&mutex);
    waiting = refused;
    pthread_mutex_unlock(&mutex);
}

int usleep(useconds_t usec) {
    if (!real_usleep)
        setup();
    sleeps();
    return real_usleep(usec);
}

int nanosleep(const struct timespec *wanted_time, struct timespec *left) {
    if (!real_nanosleep)
        setup();
    sleeps();
    return real_nanosleep(wanted_time, left);
}
