//! Costs of recording, measured in the recorded process and kept in its files.

/// Time that recording adds to one call and to its caller, picoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cost {
    /// Added to the self time of the callee.
    pub callee: u32,
    /// Added to the self time of the caller.
    pub caller: u32,
}

/// Kinds of calls, for each of which recording takes another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum CallKind {
    /// A call of a Python function.
    Python,
    /// A call of a function written in C.
    C,
    /// A generator or coroutine is resumed.
    Resume,
    /// A call of a Python function that no call instruction makes: by C code, or by an
    /// operator.
    Implicit,
    /// A call of `__init__` when an object is made, without the call of its class.
    Init,
}

impl CallKind {
    /// Number of kinds.
    pub const COUNT: usize = 5;

    /// All kinds, in the order of [`Calibration::costs`].
    pub const ALL: [CallKind; CallKind::COUNT] = [
        CallKind::Python,
        CallKind::C,
        CallKind::Resume,
        CallKind::Implicit,
        CallKind::Init,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            CallKind::Python => "python_call",
            CallKind::C => "c_call",
            CallKind::Resume => "resume",
            CallKind::Implicit => "implicit_call",
            CallKind::Init => "init_call",
        }
    }
}

/// The costs of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Calibration {
    /// Of each [`CallKind`]; zeros where it was not measured.
    pub costs: [Cost; CallKind::COUNT],
    /// Cost of a call of a class, which is added to its caller, because a class has no node.
    pub class_call: u32,
    /// Share of the self time of Python functions that a slowed interpreter adds, millionths, for a
    /// slowness of 1. CPython 3.10 and 3.11 run every instruction more slowly while a profile
    /// function is set. The costs above are no part of that self time.
    pub slowed_ppm: u32,
}

impl Calibration {
    /// Sets the cost of one kind.
    pub fn with(mut self, kind: CallKind, cost: Cost) -> Calibration {
        self.costs[kind as usize] = cost;
        self
    }

    /// The cost of one kind, zeros where it was not measured.
    pub fn cost(&self, kind: CallKind) -> Cost {
        self.costs[kind as usize]
    }

    /// Returns `None` where all is zero: nothing was measured.
    pub fn if_measured(self) -> Option<Calibration> {
        (self != Calibration::default()).then_some(self)
    }
}
