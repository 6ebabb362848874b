/* Door: a socket by which `edbprof attach` asks this process to record.
 *
 * A native thread waits for connections, so that a process whose threads are all stuck answers too.
 * It blocks all signals, which are the program's, and has no Python state while no client is
 * connected. The socket's descriptor is a high number, because programs rely on getting the lowest
 * free one. A program that closes it gets another door within a second. */
#include "door.h"

#include "left_doors.h"

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    LONGEST_REQUEST = 1 << 16,
    LOOK_MS = 1000,      /* time after which the thread looks if the socket is still there */
    VISITS = 30,         /* looks after which a door for one connection is closed */
    PATIENCE_MS = 10000, /* time that a client has to finish a request */
    HIGHEST = 1000,      /* descriptors up to here take no memory of the kernel */
    STACK = 1 << 20,
};

static struct {
    struct sockaddr_un address;
    pthread_t thread;
    PyObject *handler;
    int listener; /* its descriptor, or -1 */
    dev_t device; /* of the socket, when it was made */
    ino_t inode;
    pid_t process;
    bool is_open, has_thread;
    bool is_paused;
    bool is_once;  /* for one connection */
    bool must_end; /* atomic: the thread is to end */
    bool is_busy;  /* atomic: somebody is connected */
    pid_t os_thread;
} door = {.listener = -1};

/* ---- the socket ------------------------------------------------------------ */

/* Returns true if the descriptor is the socket that it was: the program may have closed it. */
static bool has_listener(void)
{
    struct stat status;
    return door.listener >= 0 && fstat(door.listener, &status) == 0 &&
           status.st_dev == door.device && status.st_ino == door.inode;
}

/* Moves a descriptor out of the way of the program's. */
static int move_up(int descriptor)
{
    struct rlimit limit = {.rlim_cur = HIGHEST};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    int from = limit.rlim_cur > HIGHEST ? HIGHEST - 16 : (int)limit.rlim_cur - 16;
    int moved = from > descriptor ? fcntl(descriptor, F_DUPFD_CLOEXEC, from) : -1;
    if (moved < 0) {
        return descriptor;
    }
    close(descriptor);
    return moved;
}

/* Returns 0, or -1 with errno. */
static int listen_there(void)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    (void)unlink(door.address.sun_path);
    struct stat status;
    /* The mode comes before the name, so that no other user can connect in between. */
    if (fchmod(descriptor, S_IRUSR | S_IWUSR) < 0 ||
        bind(descriptor, (struct sockaddr *)&door.address, sizeof door.address) < 0 ||
        chmod(door.address.sun_path, S_IRUSR | S_IWUSR) < 0 || listen(descriptor, 4) < 0 ||
        fstat(descriptor, &status) < 0) {
        int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    door.listener = move_up(descriptor);
    door.device = status.st_dev;
    door.inode = status.st_ino;
    return 0;
}

/* Returns true if the other side is this process's user or root. */
static bool may_enter(int connection)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    bool is_known = getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    return is_known && (peer.uid == geteuid() || peer.uid == 0);
}

/* ---- a connection ----------------------------------------------------------- */

/* Reads a request, which a zero ends. Returns its length, or -1 at the end of the connection. */
static ssize_t read_request(int connection, char *request)
{
    size_t length = 0;
    while (length < LONGEST_REQUEST) {
        struct pollfd wait = {.fd = connection, .events = POLLIN};
        /* A session lasts as long as its client wants; a request does not. */
        int ready = poll(&wait, 1, length == 0 ? -1 : PATIENCE_MS);
        ssize_t got = ready > 0 ? recv(connection, request + length, LONGEST_REQUEST - length, 0)
                                : (ssize_t)ready - 1;
        if (got <= 0) {
            if (errno == EINTR && ready < 0) {
                continue;
            }
            return -1;
        }
        length += (size_t)got;
        if (request[length - 1] == '\0') {
            return (ssize_t)length - 1;
        }
    }
    return -1;
}

static void send_all(int connection, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(connection, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return;
        }
        text += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
}

static PyObject *none(void) { Py_RETURN_NONE; }

/* Calls the handler; returns its answer, a new reference, or NULL. */
static PyObject *ask(const char *request, ssize_t length)
{
    PyObject *argument = length < 0 ? none() : PyBytes_FromStringAndSize(request, length);
    PyObject *answer =
        argument == NULL ? NULL : PyObject_CallFunctionObjArgs(door.handler, argument, NULL);
    Py_XDECREF(argument);
    PyErr_Clear();
    return answer;
}

/* Serves a connection until it ends. The thread keeps one Python state for the whole connection,
 * because its recorder ends with the state. */
static void serve(int connection, char *request)
{
    ssize_t length = read_request(connection, request);
    if (length < 0) {
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    while (length >= 0) {
        PyObject *answer = ask(request, length);
        bool fits = answer != NULL && PyBytes_Check(answer);
        PyThreadState *saved = PyEval_SaveThread();
        /* The answer is this thread's alone. */
        if (fits) {
            send_all(connection, PyBytes_AS_STRING(answer), (size_t)PyBytes_GET_SIZE(answer));
        }
        send_all(connection, "", 1);
        length = read_request(connection, request);
        PyEval_RestoreThread(saved);
        Py_XDECREF(answer);
    }
    PyObject *nothing = ask(NULL, -1);
    Py_XDECREF(nothing);
    PyGILState_Release(state);
}

/* ---- the thread ------------------------------------------------------------- */

/* Closes a door for one connection from within its thread. Nobody waits for the thread. */
static void close_behind(void)
{
    PyGILState_STATE state = PyGILState_Ensure();
    if (has_listener()) {
        close(door.listener);
    }
    door.listener = -1;
    (void)unlink(door.address.sun_path);
    if (door.has_thread) {
        pthread_detach(door.thread);
    }
    door.is_open = door.has_thread = false;
    PyGILState_Release(state);
}

static void *wait_at_door(void *Py_UNUSED(unused))
{
    char *request = malloc(LONGEST_REQUEST);
    (void)pthread_setname_np(pthread_self(), "edbprof-door");
    __atomic_store_n(&door.os_thread, gettid(), __ATOMIC_RELEASE);
    int looks = 0;
    while (request != NULL && !__atomic_load_n(&door.must_end, __ATOMIC_ACQUIRE)) {
        if (door.is_once && looks++ == VISITS) {
            close_behind();
            break;
        }
        if (!has_listener() && listen_there() < 0) {
            break;
        }
        struct pollfd wait = {.fd = door.listener, .events = POLLIN};
        if (poll(&wait, 1, LOOK_MS) <= 0 || !has_listener()) {
            continue;
        }
        int connection = accept4(door.listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0) {
            continue;
        }
        connection = move_up(connection);
        __atomic_store_n(&door.is_busy, true, __ATOMIC_SEQ_CST);
        /* If end_thread waits for this thread, the client is not served; it may try again. */
        bool may_stay = !__atomic_load_n(&door.must_end, __ATOMIC_SEQ_CST);
        if (may_stay && may_enter(connection)) {
            serve(connection, request);
        }
        __atomic_store_n(&door.is_busy, false, __ATOMIC_SEQ_CST);
        bool is_over = door.is_once;
        if (is_over) {
            close_behind();
        }
        /* Close the connection last, because the client waits for that, and expects that nothing is
         * left. */
        close(connection);
        if (is_over) {
            break;
        }
    }
    free(request);
    return NULL;
}

/* Returns 0, or a number of errno. */
static int start_thread(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    __atomic_store_n(&door.must_end, false, __ATOMIC_RELEASE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&door.thread, &attributes, wait_at_door, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    door.has_thread = error == 0;
    return error;
}

/* Makes the thread look at once. */
static void knock(void)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor >= 0) {
        (void)connect(descriptor, (struct sockaddr *)&door.address, sizeof door.address);
        close(descriptor);
    }
}

/* Waits until the system no longer counts the thread, which is a moment after it was joined. */
static void wait_until_gone(pid_t os_thread)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", (int)os_thread);
    for (int i = 0; i < 1000 && os_thread != 0 && access(path, F_OK) == 0; i++) {
        sched_yield();
    }
}

/* Ends the thread, unless a client is connected. Returns true if there is none afterwards. */
static bool end_thread(void)
{
    if (!door.has_thread) {
        return true;
    }
    __atomic_store_n(&door.must_end, true, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&door.is_busy, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&door.must_end, false, __ATOMIC_SEQ_CST);
        return false;
    }
    pid_t os_thread = __atomic_load_n(&door.os_thread, __ATOMIC_ACQUIRE);
    Py_BEGIN_ALLOW_THREADS knock();
    pthread_join(door.thread, NULL);
    wait_until_gone(os_thread);
    Py_END_ALLOW_THREADS door.has_thread = false;
    return true;
}

/* ---- forks ------------------------------------------------------------------- */

/* Forgets the door in a forked child, which lacks the thread. The door is the parent's. */
static void forget_in_child(void)
{
    if (has_listener()) {
        close(door.listener);
    }
    door.listener = -1;
    door.is_open = door.has_thread = door.is_paused = false;
    door.must_end = door.is_busy = false;
}

/* ---- what Python sees --------------------------------------------------------- */

/* Returns true in the main interpreter, to which the door belongs. */
static bool is_door_of_interpreter(void)
{
    return PyInterpreterState_Get() == PyInterpreterState_Main();
}

PyObject *door_open(PyObject *Py_UNUSED(module), PyObject *args)
{
    static bool watches_forks, has_cleaned; /* forked children need not */
    PyObject *path, *handler;
    int is_once;
    if (!is_door_of_interpreter()) {
        PyErr_SetString(PyExc_RuntimeError, "only the main interpreter can be attached to");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O&Op:open_door", PyUnicode_FSConverter, &path, &handler,
                          &is_once)) {
        return NULL;
    }
    size_t length = (size_t)PyBytes_GET_SIZE(path);
    int error = length < sizeof door.address.sun_path ? 0 : ENAMETOOLONG;
    if (!door.is_open && error == 0) {
        door.address = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(door.address.sun_path, PyBytes_AS_STRING(path), length);
        Py_INCREF(handler);
        Py_XSETREF(door.handler, handler);
        door.process = getpid();
        door.is_once = is_once;
        /* A door for one connection has a directory of its own. */
        if (!is_once && !has_cleaned) {
            has_cleaned = true;
            remove_left_doors(door.address.sun_path);
        }
        error = listen_there() < 0 ? errno : start_thread();
        door.is_open = error == 0;
        if (door.is_open && !watches_forks) {
            watches_forks = pthread_atfork(NULL, NULL, forget_in_child) == 0;
        }
    }
    PyObject *result = Py_None;
    if (error != 0) {
        errno = error;
        result = PyErr_SetFromErrnoWithFilename(PyExc_OSError, PyBytes_AS_STRING(path));
    } else {
        Py_INCREF(result);
    }
    Py_DECREF(path);
    return result;
}

PyObject *door_close(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    if (is_door_of_interpreter() && door.is_open && door.process == getpid()) {
        /* A connection ends with the process, or when its client wants it. */
        if (end_thread() && has_listener()) {
            close(door.listener);
            door.listener = -1;
        }
        (void)unlink(door.address.sun_path);
        door.is_open = false;
    }
    Py_RETURN_NONE;
}

PyObject *door_pause(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    door.is_paused = door.is_open && end_thread();
    Py_RETURN_NONE;
}

static int resume(void *Py_UNUSED(unused))
{
    if (door.is_paused && door.is_open && !door.has_thread) {
        door.is_paused = false;
        (void)start_thread();
    }
    return 0;
}

PyObject *door_resume(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    if (door.is_paused && Py_AddPendingCall(resume, NULL) < 0) {
        (void)resume(NULL);
    }
    Py_RETURN_NONE;
}

#else

PyObject *door_open(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    PyErr_SetString(PyExc_OSError, "there are doors for edbprof attach on Linux only");
    return NULL;
}

PyObject *door_close(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused)) { Py_RETURN_NONE; }

PyObject *door_pause(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused)) { Py_RETURN_NONE; }

PyObject *door_resume(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused)) { Py_RETURN_NONE; }

#endif
