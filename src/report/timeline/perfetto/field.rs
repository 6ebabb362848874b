//! Numbers of fields, by message, as Perfetto's `.proto` files give them:
//! <https://github.com/google/perfetto/tree/main/protos/perfetto/trace>

pub(super) mod trace {
    pub(crate) const PACKET: u32 = 1;
}
pub(super) mod packet {
    pub(crate) const CLOCK_SNAPSHOT: u32 = 6;
    pub(crate) const TIMESTAMP: u32 = 8;
    pub(crate) const SEQUENCE: u32 = 10;
    pub(crate) const TRACK_EVENT: u32 = 11;
    pub(crate) const INTERNED: u32 = 12;
    pub(crate) const FLAGS: u32 = 13;
    pub(crate) const CLOCK: u32 = 58;
    pub(crate) const DEFAULTS: u32 = 59;
    pub(crate) const TRACK: u32 = 60;
}
pub(super) mod clock_snapshot {
    pub(crate) const CLOCK: u32 = 1;
}
pub(super) mod clock {
    pub(crate) const ID: u32 = 1;
    pub(crate) const TIMESTAMP: u32 = 2;
    pub(crate) const IS_INCREMENTAL: u32 = 3;
}
pub(super) mod track {
    pub(crate) const ID: u32 = 1;
    pub(crate) const NAME: u32 = 2;
    pub(crate) const PROCESS: u32 = 3;
    pub(crate) const THREAD: u32 = 4;
    pub(crate) const PARENT: u32 = 5;
    pub(crate) const COUNTER: u32 = 8;
}
pub(super) mod process {
    pub(crate) const PID: u32 = 1;
    pub(crate) const COMMAND: u32 = 2;
    pub(crate) const NAME: u32 = 6;
}
pub(super) mod thread {
    pub(crate) const PID: u32 = 1;
    pub(crate) const TID: u32 = 2;
    pub(crate) const NAME: u32 = 5;
}
pub(super) mod event {
    pub(crate) const CATEGORY: u32 = 3;
    pub(crate) const ANNOTATION: u32 = 4;
    pub(crate) const TYPE: u32 = 9;
    pub(crate) const NAME: u32 = 10;
    pub(crate) const TRACK: u32 = 11;
    pub(crate) const CATEGORY_TEXT: u32 = 22;
    pub(crate) const NAME_TEXT: u32 = 23;
    pub(crate) const SOURCE: u32 = 34;
    pub(crate) const FLOAT_VALUE: u32 = 44;
}
pub(super) mod annotation {
    pub(crate) const NAME: u32 = 1;
    pub(crate) const VALUE: u32 = 17;
}
pub(super) mod interned {
    pub(crate) const CATEGORIES: u32 = 1;
    pub(crate) const EVENT_NAMES: u32 = 2;
    pub(crate) const ANNOTATION_NAMES: u32 = 3;
    pub(crate) const SOURCES: u32 = 4;
    pub(crate) const ANNOTATION_VALUES: u32 = 29;
}
/// Of all kinds of entries.
pub(super) mod entry {
    pub(crate) const ID: u32 = 1;
    pub(crate) const TEXT: u32 = 2;
    pub(crate) const LINE: u32 = 4;
}
