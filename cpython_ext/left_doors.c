/* Sockets of doors that killed processes have left.
 *
 * Each socket is named after its process. Processes of other containers may share the directory, so
 * a process number that is free here proves nothing. Only a refused connection proves that nobody
 * listens. */
#include "left_doors.h"

#ifdef __linux__

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Seconds after which a process surely listens at the socket that it has made. */
enum { LEAST_AGE = 60 };

/* Returns true if a process here may have that name, and so removes the socket itself. */
static bool may_run(const char *name)
{
    char *end;
    errno = 0;
    long pid = strtol(name, &end, 10);
    if (errno != 0 || *end != '\0' || pid <= 0 || pid != (pid_t)pid) {
        return true;
    }
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static bool is_old_socket(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_uid == geteuid() &&
           time(NULL) - status.st_mtime >= LEAST_AGE;
}

/* Returns true if the system says that nobody listens there. */
static bool is_deserted(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return false;
    }
    bool is_refused = connect(descriptor, (const struct sockaddr *)address, sizeof *address) < 0 &&
                      errno == ECONNREFUSED;
    close(descriptor);
    return is_refused;
}

void remove_left_doors(const char *door)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *slash = strrchr(door, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash + 1 - door);
    if (length == 0 || length >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, door, length);
    DIR *directory = opendir(address.sun_path);
    if (directory == NULL) {
        return;
    }
    char *name = address.sun_path + length;
    size_t room = sizeof address.sun_path - length;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (strlen(entry->d_name) >= room || may_run(entry->d_name)) {
            continue;
        }
        memset(name, 0, room);
        memcpy(name, entry->d_name, strlen(entry->d_name));
        if (is_old_socket(address.sun_path) && is_deserted(&address)) {
            (void)unlink(address.sun_path);
        }
    }
    closedir(directory);
}

#else

void remove_left_doors(const char *door) { (void)door; }

#endif
