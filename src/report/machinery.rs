//! Names well-known code that runs programs without being the program, or that waits.

/// Modules that run other programs, or pass functions of a program on.
const MACHINERY: &[&str] = &[
    "IPython",
    "_pytest",
    "aiohttp",
    "anyio",
    "asgiref",
    "asyncio",
    "billiard",
    "celery",
    "click",
    "cloudpickle",
    "concurrent.futures",
    "contextlib",
    "coverage",
    "debugpy",
    "django",
    "execnet",
    "flask",
    "gevent",
    "greenlet",
    "gunicorn",
    "hypercorn",
    "http.server",
    "ipykernel",
    "joblib",
    "jupyter_client",
    "jupyter_core",
    "multiprocessing",
    "nbclient",
    "nbconvert",
    "pluggy",
    "pytest",
    "queue",
    "runpy",
    "selectors",
    "socketserver",
    "starlette",
    "threading",
    "tornado",
    "traitlets",
    "trio",
    "unittest",
    "uvicorn",
    "uvloop",
    "waitress",
    "werkzeug",
    "wsgiref",
    "xdist",
    "zmq",
];

/// Packages of event loops.
const EVENT_LOOPS: &[&str] = &["anyio", "asyncio", "trio", "uvloop"];

/// Functions that wait for something, as [`short_name`](super::display::short_name) has them.
const WAITING: &[&str] = &[
    "_multiprocessing.SemLock.acquire",
    "_queue.SimpleQueue.get",
    "_socket.socket.accept",
    "_socket.socket.connect",
    "_socket.socket.recv",
    "_socket.socket.recv_into",
    "_socket.socket.recvfrom",
    "_socket.socket.recvmsg",
    "_ssl._SSLSocket.do_handshake",
    "_ssl._SSLSocket.read",
    "_thread.RLock.acquire",
    "_thread.lock.__enter__",
    "_thread.lock.acquire",
    "_thread.lock.acquire_lock",
    "_thread.start_joinable_thread",
    "_thread._ThreadHandle.join",
    "posix.wait",
    "posix.wait3",
    "posix.wait4",
    "posix.waitid",
    "posix.waitpid",
    "select.devpoll.poll",
    "select.epoll.poll",
    "select.kqueue.control",
    "select.poll",
    "select.poll.poll",
    "select.select",
    "signal.pause",
    "signal.sigtimedwait",
    "signal.sigwait",
    "signal.sigwaitinfo",
    "time.sleep",
    "zmq.backend.cython._zmq.Socket.poll",
];

/// Returns true for a module (`concurrent.futures.thread`) that runs programs.
pub(super) fn is_machinery(module: &str) -> bool {
    MACHINERY.iter().any(|known| {
        let rest = module.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Returns true for a module of an event loop, whose coroutines await those of programs.
pub(super) fn is_event_loop(module: &str) -> bool {
    let package = module.split('.').next().unwrap_or_default();
    EVENT_LOOPS.contains(&package)
}

/// Returns true for a builtin, called `name`, in which a thread waits.
pub(super) fn is_waiting(name: &str) -> bool {
    WAITING.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_known_with_what_is_in_them() {
        assert!(is_machinery("concurrent.futures.thread") && is_machinery("queue"));
        assert!(!is_machinery("concurrent") && !is_machinery("queues"));
        assert!(!is_machinery("http.client") && is_machinery("http.server"));
    }

    #[test]
    fn builtins_that_wait_are_known() {
        assert!(is_waiting("select.epoll.poll") && !is_waiting("marshal.loads"));
    }
}
