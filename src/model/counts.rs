//! Figures of a function as pstats has them.

/// The four figures of a function, or of one function under one caller.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Primitive calls: those made while no other call of the function was open.
    pub cc: i128,
    /// All calls.
    pub nc: i128,
    /// Self time, seconds.
    pub tt: f64,
    /// Inclusive time of the primitive calls, seconds.
    pub ct: f64,
}

impl Counts {
    /// The neutral element of addition. Times are -0.0, because 0.0 would turn -0.0 into 0.0.
    pub(crate) const NOTHING: Counts = Counts {
        cc: 0,
        nc: 0,
        tt: -0.0,
        ct: -0.0,
    };

    /// Adds `more`.
    pub fn add(&mut self, more: &Counts) {
        self.cc = self.cc.saturating_add(more.cc);
        self.nc = self.nc.saturating_add(more.nc);
        self.tt += more.tt;
        self.ct += more.ct;
    }
}
