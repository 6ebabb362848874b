//! Names parts of a Rust extension in edbprof's call trees of a Python program.
//!
//! ```
//! fn solve() {
//!     edbprof_span::span!("solve");
//!     // ... until the end of the block
//! }
//! # solve();
//! ```
//!
//! [`mark!`], [`counter!`] and [`Async`] are on the timeline of `edbprof run --timeline` only.
//!
//! Nothing is linked: [`init`] finds the runtime in the process. Before that, without Python or
//! without edbprof, a span costs one branch.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

#[cfg(feature = "tracing")]
mod layer;
#[cfg(feature = "tracing")]
pub use layer::Layer;

/// `edbprof_str`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Str {
    data: *const c_char,
    len: usize,
}

impl Str {
    const NONE: Str = Str {
        data: ptr::null(),
        len: 0,
    };

    const fn of(text: &str) -> Str {
        Str {
            data: text.as_ptr().cast(),
            len: text.len(),
        }
    }
}

/// `edbprof_function`: a span in static storage, whose address is its key.
#[repr(C)]
pub struct Span {
    struct_size: usize,
    kind: u32,
    flags: u32,
    file: Str,
    line: i64,
    name: Str,
    qualified_name: Str,
    module: Str,
    generic_name: Str,
    generic_file: Str,
    generic_line: i64,
}

// SAFETY: its strings are constant and live as long as the program.
unsafe impl Sync for Span {}

/// `EDBPROF_NATIVE`.
const NATIVE: u32 = 2;

impl Span {
    /// A span of that name, at that line of that file.
    pub const fn new(name: &'static str, file: &'static str, line: u32) -> Span {
        Span {
            struct_size: std::mem::size_of::<Span>(),
            kind: NATIVE,
            flags: 0,
            file: Str::of(file),
            line: line as i64,
            name: Str::of(name),
            qualified_name: Str::NONE,
            module: Str::NONE,
            generic_name: Str::NONE,
            generic_file: Str::NONE,
            generic_line: 0,
        }
    }
}

type Event = unsafe extern "C" fn(*const Span);

/// The beginning of `edbprof_python_api`.
#[repr(C)]
struct Api {
    struct_size: usize,
    abi_version: u32,
    threads_recording: *const AtomicU32,
    enter_span: Event,
    leave_span: Event,
}

/// Functions that are not used here, between the beginning and those of the timeline.
const UNUSED: usize = 40;

/// `edbprof_python_api` from version 3.1 on.
#[repr(C)]
struct TimelineApi {
    beginning: Api,
    _unused: [*const c_void; UNUSED],
    mark: Event,
    counter: unsafe extern "C" fn(*const Span, f64),
    begin_async: AsyncEvent,
    end_async: AsyncEvent,
}

type AsyncEvent = unsafe extern "C" fn(*const Span, u64);

/// The major version that is known here.
const MAJOR: u32 = 3;

static API: AtomicPtr<Api> = AtomicPtr::new(ptr::null_mut());

/// The runtime, if a thread records at the moment.
#[inline]
fn recording() -> Option<&'static Api> {
    // SAFETY: NULL, or the runtime's, which lives as long as the process.
    let api = unsafe { API.load(Ordering::Acquire).as_ref() }?;
    // SAFETY: as above.
    let threads = unsafe { &*api.threads_recording }.load(Ordering::Relaxed);
    (threads != 0).then_some(api)
}

/// The same, if the runtime has marks.
#[inline]
fn recording_timeline() -> Option<&'static TimelineApi> {
    let api = recording()?;
    let has_it = api.struct_size >= std::mem::size_of::<TimelineApi>();
    // SAFETY: the struct is as large as it says.
    has_it.then(|| unsafe { &*(api as *const Api).cast::<TimelineApi>() })
}

extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// `RTLD_DEFAULT`.
#[cfg(target_os = "macos")]
const ANYWHERE: *mut c_void = -2_isize as *mut c_void;
#[cfg(not(target_os = "macos"))]
const ANYWHERE: *mut c_void = ptr::null_mut();

fn find(name: &'static [u8]) -> Option<*mut c_void> {
    let name = CStr::from_bytes_with_nul(name).ok()?;
    // SAFETY: a name that ends with NUL.
    let found = unsafe { dlsym(ANYWHERE, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Finds the runtime. An extension calls it when it is imported. Returns false if there is none:
/// without Python in the process, without edbprof, or with another version of it.
///
/// The calling thread must hold the GIL, if there is Python. No exception is left.
pub fn init() -> bool {
    find_api().is_some()
}

fn find_api() -> Option<()> {
    type Check = unsafe extern "C" fn() -> c_int;
    type Import = unsafe extern "C" fn(*const c_char) -> *mut c_void;
    type Capsule = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
    type Clear = unsafe extern "C" fn();
    type Decref = unsafe extern "C" fn(*mut c_void);
    // SAFETY: functions of the C API of Python, of these types in each version.
    let (holds_gil, import, capsule, clear, decref) = unsafe {
        (
            std::mem::transmute::<*mut c_void, Check>(find(b"PyGILState_Check\0")?),
            std::mem::transmute::<*mut c_void, Import>(find(b"PyImport_ImportModule\0")?),
            std::mem::transmute::<*mut c_void, Capsule>(find(b"PyCapsule_Import\0")?),
            std::mem::transmute::<*mut c_void, Clear>(find(b"PyErr_Clear\0")?),
            std::mem::transmute::<*mut c_void, Decref>(find(b"Py_DecRef\0")?),
        )
    };
    // SAFETY: this thread holds the GIL, as is checked first; the names end with NUL.
    let api = unsafe {
        if holds_gil() == 0 {
            return None;
        }
        let module = import(b"edbprof_native._native\0".as_ptr().cast());
        let api = match module.is_null() {
            true => ptr::null_mut(),
            false => capsule(b"edbprof_native._native.api\0".as_ptr().cast(), 0),
        };
        decref(module);
        clear();
        api.cast::<Api>()
    };
    // SAFETY: NULL or the capsule's content, which begins like this in each version.
    let known = unsafe { api.as_ref() }?;
    if known.abi_version >> 16 != MAJOR || known.struct_size < std::mem::size_of::<Api>() {
        return None;
    }
    API.store(api, Ordering::Release);
    Some(())
}

/// A span that ends when this is dropped, in the thread in which it began.
#[must_use = "the span ends when this is dropped"]
pub struct Guard {
    span: Option<&'static Span>,
    _is_of_one_thread: PhantomData<*const ()>,
}

/// Begins a span. See [`span!`].
#[inline]
pub fn enter(span: &'static Span) -> Guard {
    let api = recording();
    if let Some(api) = api {
        // SAFETY: a function of the runtime, and a span that lives as long as the program.
        unsafe { (api.enter_span)(span) };
    }
    Guard {
        span: api.map(|_| span),
        _is_of_one_thread: PhantomData,
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        if let Some((span, api)) = self.span.zip(recording()) {
            // SAFETY: as in `enter`.
            unsafe { (api.leave_span)(span) };
        }
    }
}

/// The rest of the block is a span of that name, a literal.
#[macro_export]
macro_rules! span {
    ($name:expr) => {
        let _edbprof_guard = {
            static SPAN: $crate::Span = $crate::Span::new($name, file!(), line!());
            $crate::enter(&SPAN)
        };
    };
}

/// Sets a mark on the timeline. See [`mark!`].
#[inline]
pub fn mark(name: &'static Span) {
    if let Some(api) = recording_timeline() {
        // SAFETY: a function of the runtime, and a name that lives as long as the program.
        unsafe { (api.mark)(name) };
    }
}

/// Gives a counter of the timeline a value. See [`counter!`].
#[inline]
pub fn counter(name: &'static Span, value: f64) {
    if let Some(api) = recording_timeline() {
        // SAFETY: as in `mark`.
        unsafe { (api.counter)(name, value) };
    }
}

/// An asynchronous span: on the timeline only, from its beginning until it is dropped, in whichever
/// thread. See [`async_span!`].
#[must_use = "the span ends when this is dropped"]
pub struct Async {
    name: &'static Span,
    id: u64,
}

impl Async {
    /// Begins one.
    pub fn begin(name: &'static Span) -> Async {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(api) = recording_timeline() {
            // SAFETY: as in `mark`.
            unsafe { (api.begin_async)(name, id) };
        }
        Async { name, id }
    }
}

impl Drop for Async {
    fn drop(&mut self) {
        if let Some(api) = recording_timeline() {
            // SAFETY: as in `mark`.
            unsafe { (api.end_async)(self.name, self.id) };
        }
    }
}

/// Sets a mark of that name, a literal, on the timeline.
#[macro_export]
macro_rules! mark {
    ($name:expr) => {{
        static NAME: $crate::Span = $crate::Span::new($name, file!(), line!());
        $crate::mark(&NAME)
    }};
}

/// Gives the counter of that name, a literal, a value, an `f64`.
#[macro_export]
macro_rules! counter {
    ($name:expr, $value:expr) => {{
        static NAME: $crate::Span = $crate::Span::new($name, file!(), line!());
        $crate::counter(&NAME, $value)
    }};
}

/// Begins an asynchronous span of that name, a literal; it ends when the value is dropped.
#[macro_export]
macro_rules! async_span {
    ($name:expr) => {{
        static NAME: $crate::Span = $crate::Span::new($name, file!(), line!());
        $crate::Async::begin(&NAME)
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    static ENTERED: AtomicU32 = AtomicU32::new(0);
    static LEFT: AtomicU32 = AtomicU32::new(0);
    static MARKS: AtomicU32 = AtomicU32::new(0);
    static VALUES: AtomicU64 = AtomicU64::new(0);
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    static ENDED: AtomicU64 = AtomicU64::new(0);

    unsafe extern "C" fn entered(_: *const Span) {
        ENTERED.fetch_add(1, Ordering::Relaxed);
    }

    unsafe extern "C" fn left(_: *const Span) {
        LEFT.fetch_add(1, Ordering::Relaxed);
    }

    unsafe extern "C" fn marked(_: *const Span) {
        MARKS.fetch_add(1, Ordering::Relaxed);
    }

    unsafe extern "C" fn counted(_: *const Span, value: f64) {
        VALUES.fetch_add(value as u64, Ordering::Relaxed);
    }

    unsafe extern "C" fn begun(_: *const Span, id: u64) {
        BEGUN.store(id, Ordering::Relaxed);
    }

    unsafe extern "C" fn ended(_: *const Span, id: u64) {
        ENDED.store(id, Ordering::Relaxed);
    }

    fn use_everything() {
        span!("outer");
        span!("inner");
        mark!("mark");
        counter!("counter", 5.0);
        let request = async_span!("request");
        std::thread::spawn(move || drop(request)).join().unwrap();
    }

    fn counts() -> (u32, u32, u32, u64) {
        let (entered, left) = (&ENTERED, &LEFT);
        (
            entered.load(Ordering::Relaxed),
            left.load(Ordering::Relaxed),
            MARKS.load(Ordering::Relaxed),
            VALUES.load(Ordering::Relaxed),
        )
    }

    #[test]
    fn spans_and_marks_reach_a_runtime_that_records() {
        assert!(!init());
        use_everything();
        let threads: &'static AtomicU32 = Box::leak(Box::new(AtomicU32::new(0)));
        let api = |struct_size| {
            Box::leak(Box::new(TimelineApi {
                beginning: Api {
                    struct_size,
                    abi_version: MAJOR << 16,
                    threads_recording: threads,
                    enter_span: entered,
                    leave_span: left,
                },
                _unused: [ptr::null(); UNUSED],
                mark: marked,
                counter: counted,
                begin_async: begun,
                end_async: ended,
            }))
        };
        let size = std::mem::size_of::<TimelineApi>();
        API.store((api(size) as *mut TimelineApi).cast(), Ordering::Release);
        use_everything();
        assert_eq!(counts(), (0, 0, 0, 0));
        threads.store(1, Ordering::Relaxed);
        use_everything();
        assert_eq!(counts(), (2, 2, 1, 5));
        let id = BEGUN.load(Ordering::Relaxed);
        assert_eq!((id, id), (3, ENDED.load(Ordering::Relaxed)));
        // A runtime of version 3.0 has no marks.
        let size = std::mem::size_of::<Api>();
        API.store((api(size) as *mut TimelineApi).cast(), Ordering::Release);
        use_everything();
        assert_eq!(counts(), (4, 4, 1, 5));
    }

    #[test]
    fn the_struct_is_that_of_the_header() {
        let header = include_str!("../../include/edbprof_python.h");
        let begin = header.find("(*leave_span)").unwrap();
        let end = header.find("(*mark)").unwrap();
        assert_eq!(header[begin..end].matches("(*").count(), UNUSED + 1);
        let behind = &header[end..header.find("} edbprof_python_api;").unwrap()];
        let names = ["(*mark)", "(*counter)", "(*begin_async)", "(*end_async)"];
        let places: Vec<_> = names.map(|name| behind.find(name).unwrap()).into();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
