//! Finds out how much memory a process can still take, by its control groups and by the machine.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the bytes of memory that a process can take without ending another one. It is the
/// smaller of two: the rest of the limits of its control groups, and the machine's available
/// memory. `None` if neither is known.
pub fn memory_room() -> Option<u64> {
    let rooms = group_limits(GROUPS).into_iter();
    let of_groups = rooms.map(|group| group.room() as u64).min();
    let machine = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    [of_groups, available(&machine)].into_iter().flatten().min()
}

/// Returns the bytes that `/proc/meminfo` says are available.
fn available(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Root of the control groups.
pub(crate) const GROUPS: &str = "/sys/fs/cgroup";

/// A control group with a limit of memory.
pub(crate) struct Group {
    directory: PathBuf,
    pub(crate) limit: usize,
    /// Name of the file that says how much is used.
    usage: &'static str,
}

impl Group {
    /// Returns the bytes that it may still take. Pages of files that can be read again count as
    /// free.
    pub(crate) fn room(&self) -> usize {
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

/// Returns the groups of this process, and those above, that have a limit of memory. `root` is the
/// directory of all groups.
pub(crate) fn group_limits(root: &str) -> Vec<Group> {
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
        // In a container, the named group may not be visible, and the root may be the container's
        // own.
        for directory in Path::new(group).ancestors().map(|group| root.join(group)) {
            let text = fs::read_to_string(directory.join(limit)).unwrap_or_default();
            // No limit is written as a word, or as about 2^63.
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
    fn the_machine_says_what_is_available() {
        let text = "MemTotal: 100 kB\nMemAvailable:    2097152 kB\nBuffers: 1 kB\n";
        assert_eq!(available(text), Some(2 << 30));
        for senseless in [
            "",
            "MemAvailable:",
            "MemAvailable: 7",
            "MemAvailable: -1 kB",
        ] {
            assert_eq!(available(senseless), None);
        }
    }

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
