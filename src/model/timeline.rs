//! Events of a thread in the order of time.

/// Way in which a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CallEnd {
    /// It returned.
    Returned,
    /// It raised an exception.
    Raised,
    /// A generator or coroutine was suspended.
    Suspended,
}

/// Reason why a thread used no processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitKind {
    /// It waited for something.
    Blocked,
    /// It waited for the interpreter's lock.
    Gil,
    /// It could have run and had no processor.
    Preempted,
}

/// Kind of a mark on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// A moment.
    Instant,
    /// A number that has a new value: the bits of a float.
    Counter,
    /// An asynchronous span begins, which has a number among those of its name.
    Begin,
    /// It ends, perhaps in another thread.
    End,
}

/// A mark on the timeline, which is in no call tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its kind.
    pub kind: MarkKind,
    /// Function that has its name, an index into the process's.
    pub function: u32,
    /// A counter's value, an asynchronous span's number, or 0.
    pub value: u64,
}

/// Something that happened in a thread. Nodes are indices in the process's call trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A call begins at a node.
    Start(u32),
    /// A generator or coroutine continues at a node.
    Resume(u32),
    /// The innermost call ends.
    End(CallEnd),
    /// All open calls end that are not on the path of a node.
    EndTo(u32),
    /// The open calls are those on the path of a node from here on; the others continue later.
    SwitchTo(u32),
    /// The thread has waited for so many nanoseconds since the event before.
    Waited(WaitKind, u64),
    /// The call that begins or continues next is that of the coroutine with this number, which no
    /// other coroutine has at the same time. Never 0.
    Coroutine(u64),
    /// The recorder took so many of the ticks since the event before. They are in no call's time.
    Excluded(u64),
    /// The innermost call calls a class, which has no node.
    ClassCall,
    /// A mark.
    Mark(Mark),
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Ticks of the process's recording.
    pub tick: u64,
    /// The event.
    pub what: Happening,
}
