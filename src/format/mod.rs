//! What lies on disk. Each format has its byte table in its module's docs; the
//! readers are total: no panic, no unbounded allocation or recursion and no code
//! execution, whatever the bytes.

pub mod pstats;
pub mod trees;
