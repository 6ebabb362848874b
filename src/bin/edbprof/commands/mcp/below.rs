//! Files below one directory, and no others, even if paths and links lead elsewhere.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, openat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

use crate::cli::exit::Error;

/// Largest depth of directories that are listed, and largest number of profiles in all of them.
const DEEPEST: usize = 4;
const MOST: usize = 1000;

/// A directory.
#[derive(Debug)]
pub(super) struct Below {
    directory: OwnedFd,
    path: PathBuf,
}

/// An open file, for programs that this process starts.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    /// Its name, as it was given.
    pub(super) name: String,
}

impl Opened {
    /// Returns a path that leads to the open file.
    pub(super) fn path(&self) -> String {
        format!("/dev/fd/{}", self.file.as_raw_fd())
    }
}

impl Below {
    /// Opens the directory.
    ///
    /// # Errors
    ///
    /// When `path` is no directory.
    pub(super) fn open(path: &Path) -> Result<Below, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty());
        let opened = directory.map(|directory| (directory, path.canonicalize()));
        match opened {
            Ok((directory, Ok(path))) => Ok(Below { directory, path }),
            Ok((_, Err(error))) => Err(unusable(path, &error)),
            Err(error) => Err(unusable(path, &error.into())),
        }
    }

    /// Returns the path of the directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file `name` below the directory.
    ///
    /// # Errors
    ///
    /// When there is none, when it is no regular file, or when a path or link leads out.
    pub(super) fn file(&self, name: &str) -> io::Result<Opened> {
        // A relative path stays relative; an absolute one may name the directory itself.
        let path = Path::new(name);
        let path = path.strip_prefix(&self.path).unwrap_or(path);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match beneath(&self.directory, path, flags) {
            // The kernel is old, or a container forbids system calls that it doesn't know.
            Err(Errno::NOSYS | Errno::PERM) => without_links(&self.directory, path, flags),
            other => other,
        };
        let file = File::from(file.map_err(|error| match error {
            Errno::XDEV | Errno::LOOP => {
                io::Error::other("it leads out of the directory that this server may read")
            }
            error => error.into(),
        })?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        // Programs that this process starts read it.
        fcntl_setfd(&file, FdFlags::empty())?;
        Ok(Opened {
            file,
            name: name.to_owned(),
        })
    }

    /// Returns the names of profiles below the directory, sorted, and true if there are more.
    pub(super) fn profiles(&self) -> (Vec<String>, bool) {
        let mut found = Vec::new();
        let is_complete = self
            .add_profiles(Path::new(""), DEEPEST, &mut found)
            .is_ok();
        found.sort();
        let has_more = found.len() > MOST || !is_complete;
        found.truncate(MOST);
        (found, has_more)
    }

    fn add_profiles(&self, below: &Path, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = match below.as_os_str().is_empty() {
            true => Path::new("."),
            false => below,
        };
        let directory = without_links(&self.directory, path, flags)?;
        for entry in Dir::read_from(directory.as_fd())? {
            let entry = entry?;
            let name = entry.file_name().to_str().unwrap_or("..");
            if name.starts_with('.') || found.len() > MOST {
                continue;
            }
            let path = below.join(name);
            match entry.file_type() {
                FileType::Directory if depth > 0 => {
                    // If one directory can't be read, the others are still listed.
                    let _ = self.add_profiles(&path, depth - 1, found);
                }
                FileType::RegularFile if is_profile(name) => {
                    found.extend(path.to_str().map(str::to_owned));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_profile(name: &str) -> bool {
    let suffixes = [".prof", ".prof.live", ".timeline", ".pstats"];
    suffixes.iter().any(|suffix| name.ends_with(suffix)) && !name.ends_with(".pstats")
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::Usage(format!(
        "can't use the directory {}: {error}",
        edbprof::report::summary::path_text(path)
    ))
}

/// Opens `path` below `directory`; links may lead to other places below it.
#[cfg(target_os = "linux")]
fn beneath(directory: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(directory, path, flags, Mode::empty(), resolve)
}

#[cfg(not(target_os = "linux"))]
fn beneath(directory: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    without_links(directory, path, flags)
}

/// Opens `path` below `directory` step by step, and refuses each link.
fn without_links(directory: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let step = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut at = openat(directory, ".", step, Mode::empty())?;
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let name = match component {
            Component::Normal(name) => name,
            Component::CurDir => ".".as_ref(),
            _ => return Err(Errno::XDEV),
        };
        let flags = match components.peek() {
            Some(_) => step,
            None => flags | OFlags::NOFOLLOW,
        };
        at = openat(&at, name, flags, Mode::empty())?;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_is_opened() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir_all(inner.join("sub")).unwrap();
        fs::write(outer.path().join("secret.prof"), "secret").unwrap();
        fs::write(inner.join("sub/a.prof"), "a").unwrap();
        symlink("../secret.prof", inner.join("out.prof")).unwrap();
        symlink(outer.path(), inner.join("up")).unwrap();
        symlink("sub/a.prof", inner.join("in.prof")).unwrap();
        let below = Below::open(&inner).unwrap();
        for name in ["sub/a.prof", "./sub/a.prof", "sub/../sub/a.prof", "in.prof"] {
            below.file(name).unwrap();
        }
        below
            .file(inner.join("sub/a.prof").to_str().unwrap())
            .unwrap();
        let secret = outer.path().join("secret.prof");
        let outside = [
            "../secret.prof",
            "out.prof",
            "up/secret.prof",
            "sub/../../secret.prof",
            secret.to_str().unwrap(),
            "/proc/self/exe",
            "sub",
            "none.prof",
            "",
        ];
        for name in outside {
            assert!(below.file(name).is_err(), "{name}");
        }
        let flags = OFlags::RDONLY;
        for name in outside
            .into_iter()
            .chain(["in.prof"])
            .filter(|name| *name != "sub")
        {
            let opened = without_links(&below.directory, Path::new(name), flags);
            assert!(opened.is_err() || name.is_empty(), "{name}");
        }
        assert_eq!(below.profiles(), (vec!["sub/a.prof".to_owned()], false));
    }
}
