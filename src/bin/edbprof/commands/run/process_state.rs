//! State of a process that the system shows.

/// Returns the letter for the state; `None` if there is no such process, or if the system does not
/// say.
pub(super) fn state_of(pid: u32) -> Option<u8> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The state comes after the name, which is in parentheses.
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(name_end + 2).copied()
}
