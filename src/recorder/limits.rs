//! Limits of the process's memory, of which a recording must leave nearly all to the program.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of nodes that a recording may have where address space is limited. With the tables and
/// the log, a program that fits its limit fits with 16 MiB more.
const SMALL: usize = 8 << 20;
/// Part of a control group's memory that nodes may take.
const SHARE: usize = 64;

/// Most bytes of nodes, of which there are `have` already.
///
/// Address space may be limited at any time, so this is asked at each growth. The control group
/// is asked only by recordings that are large, because that takes some file reads.
pub(crate) fn most_bytes(have: usize) -> usize {
    if has_limited_address_space() {
        SMALL
    } else if have < SMALL {
        usize::MAX
    } else {
        let limits = group_limits(GROUPS).into_iter().map(|group| group.limit);
        limits
            .min()
            .map_or(usize::MAX, |limit| (limit / SHARE).max(SMALL))
    }
}

/// Returns true if the process has a limit of address space or of private memory.
pub(crate) fn has_limited_address_space() -> bool {
    // Miri knows no `getrlimit`.
    !cfg!(miri)
        && [libc::RLIMIT_AS, libc::RLIMIT_DATA]
            .into_iter()
            .any(|limit| soft_limit(limit).is_some())
}

/// Largest size of a file.
pub(crate) fn file_size() -> Option<u64> {
    soft_limit(libc::RLIMIT_FSIZE)
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

fn soft_limit(resource: Resource) -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: a valid place for the answer.
    unsafe { libc::getrlimit(resource, &mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Returns true if the process can have `bytes` more for a moment, as far as its limits say. An
/// allocation that fails, or that the control group has no room for, would end the program.
pub(crate) fn have_room_for(bytes: usize) -> bool {
    if has_limited_address_space() && !can_map(bytes) {
        return false;
    }
    // Reading files takes longer than saving a small recording.
    bytes < SMALL
        || group_limits(GROUPS)
            .iter()
            .all(|group| bytes <= group.room())
}

/// Bytes that the control groups let the process still have; `None` without a limit.
pub(crate) fn room_in_groups() -> Option<u64> {
    let rooms = group_limits(GROUPS).into_iter();
    rooms.map(|group| group.room() as u64).min()
}

fn can_map(bytes: usize) -> bool {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    // SAFETY: a new mapping of the kernel's choosing, which nobody else knows of.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0);
        start != libc::MAP_FAILED && libc::munmap(start, bytes) == 0
    }
}

/// Root of the control groups.
const GROUPS: &str = "/sys/fs/cgroup";

/// A control group with a limit of memory.
struct Group {
    directory: PathBuf,
    limit: usize,
    /// Name of the file that says how much is used.
    usage: &'static str,
}

impl Group {
    /// Bytes that it may still have: pages of files that can be read again count as free.
    fn room(&self) -> usize {
        let read = |name: &str| fs::read_to_string(self.directory.join(name)).unwrap_or_default();
        let used = read(self.usage).trim().parse().unwrap_or(0);
        let statistics = read("memory.stat");
        let of_files = statistics.lines().filter_map(|line| {
            let (name, bytes) = line.split_once(' ')?;
            let is_of_files = ["active_file", "inactive_file"].contains(&name);
            bytes.parse::<usize>().ok().filter(|_| is_of_files)
        });
        let files = of_files.sum::<usize>().min(used);
        self.limit.saturating_sub(used - files)
    }
}

/// The groups of this process, and those above, that have a limit of memory. `root` is the
/// directory of all groups.
fn group_limits(root: &str) -> Vec<Group> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    limits_in(&groups, Path::new(root))
}

/// The limits of the groups that `groups`, like `/proc/self/cgroup`, lists.
fn limits_in(groups: &str, root: &Path) -> Vec<Group> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next().unwrap_or_default();
        let group = fields.next().unwrap_or_default().trim_start_matches('/');
        let (root, limit, usage) = match controllers {
            "" => (root.to_owned(), "memory.max", "memory.current"),
            _ if controllers.split(',').any(|name| name == "memory") => (
                root.join("memory"),
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            ),
            _ => continue,
        };
        // In a container, the group that is named may be out of sight and the root its own.
        for directory in Path::new(group).ancestors().map(|group| root.join(group)) {
            let text = fs::read_to_string(directory.join(limit)).unwrap_or_default();
            // A limit that is none is a word, or about 2^63.
            let limit = text.trim().parse().unwrap_or(usize::MAX);
            if limit < 1 << 60 {
                found.push(Group {
                    directory,
                    limit,
                    usage,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_all_groups_above_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("a/b/memory.max", "max\n");
        write("a/memory.max", "300000000\n");
        write("memory/x/memory.limit_in_bytes", "200000000\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        let limits = |groups| limits_in(groups, root.path());
        let limit = |groups| limits(groups).into_iter().map(|group| group.limit).min();
        assert_eq!(limit("0::/a/b\n"), Some(300_000_000));
        assert_eq!(limit("0::/unseen\n"), None);
        assert_eq!(limit("4:cpu,memory:/x\n0::/a\n"), Some(200_000_000));
        assert_eq!(limit("4:memory:/\n3:cpu:/x\n"), None);
        assert_eq!(limit(""), None);
        write("a/memory.current", "250000000\n");
        write(
            "a/memory.stat",
            "anon 1\ninactive_file 20000000\nactive_file 30000000\n",
        );
        assert_eq!(limits("0::/a/b\n")[0].room(), 100_000_000);
    }
}
