//! Paths that results are written to.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use edbprof::format::{atomic_file, timeline};
use edbprof::report::summary::path_text;

use crate::cli::args::{Format, ResultOptions};
use crate::cli::exit::Error;
use crate::cli::names::STDOUT;

/// Name of results if only a directory is known.
const DEFAULT_NAME: &str = "profile_analysis";

/// The common part of the paths of all results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outputs {
    stem: PathBuf,
}

impl Outputs {
    /// Interprets `--out`. A directory that does not exist yet is created.
    ///
    /// # Errors
    ///
    /// When there is no such directory and it can't be created.
    pub(crate) fn new(out: Option<&Path>) -> Result<Self, Error> {
        let Some(out) = out else {
            return Ok(Outputs {
                stem: DEFAULT_NAME.into(),
            });
        };
        let bytes = out.as_os_str().as_encoded_bytes();
        if bytes.is_empty() {
            return Err(Error::Usage(
                "--out is empty; it wants a directory or a file name".to_owned(),
            ));
        }
        let names_directory = bytes.ends_with(b"/");
        if names_directory && !out.exists() {
            std::fs::create_dir(out).map_err(|error| {
                Error::Usage(format!(
                    "can't make the directory {}: {error}",
                    path_text(out)
                ))
            })?;
        }
        if names_directory || out.is_dir() {
            return match out.is_dir() {
                true => Ok(Outputs {
                    stem: out.join(DEFAULT_NAME),
                }),
                false => Err(Error::Usage(format!(
                    "{} is not a directory; without the slash at its end, --out names files",
                    path_text(out)
                ))),
            };
        }
        if let Some(instead) = of_other_tools(out) {
            return Err(Error::Usage(format!(
                "no result of edbprof is called like {}; {instead}",
                path_text(out)
            )));
        }
        let directory = directory_of(out);
        if out.exists() && !out.is_file() {
            let out = path_text(out);
            return Err(Error::Usage(format!(
                "{out} is neither a directory nor a file; choose another --out"
            )));
        }
        if !directory.is_dir() {
            return Err(Error::Usage(format!(
                "there is no directory {} to write to; make it or choose another --out",
                path_text(directory)
            )));
        }
        Ok(Outputs {
            stem: without_suffix(out),
        })
    }

    /// Checks that files can be created beside the results. Creates one without a name, because
    /// permissions alone don't decide.
    ///
    /// # Errors
    ///
    /// When no file can be created there.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        let directory = directory_of(&self.stem);
        tempfile::tempfile_in(directory).map(drop).map_err(|error| {
            let directory = path_text(directory);
            Error::Usage(format!(
                "can't write to the directory {directory}: {error}; --out names another"
            ))
        })
    }

    /// Returns the path of the result whose name ends in `suffix`.
    pub(crate) fn path(&self, suffix: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Returns the paths of all files that may be written.
    pub(crate) fn targets(&self, formats: &[Format], options: &ResultOptions) -> Vec<PathBuf> {
        let summary = options.summary_json.iter().filter(|path| *path != STDOUT);
        let results = formats.iter().map(|format| self.path(format.suffix()));
        let timeline = self.path(timeline::SUFFIX);
        results.chain([timeline]).chain(summary.cloned()).collect()
    }
}

/// Writes `bytes` to `path`, which the user has named. Devices, FIFOs and open files of this
/// process (`/dev/stdout`, `/dev/fd/63` of a shell's `>(cat)`) are appended to. Anything else is
/// replaced by [`atomic_file::write_shared`].
///
/// # Errors
///
/// Errors of the operating system, except that a FIFO without a reader is no error.
pub(crate) fn write_named(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_named_with(path, |mut file| file.write_all(bytes))
}

/// Like [`write_named`], but calls `write` to write the content.
///
/// # Errors
///
/// Those of [`write_named`], and those of `write`.
pub(crate) fn write_named_with(
    path: &Path,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let is_special = fs::metadata(path).is_ok_and(|at| !at.is_file() && !at.is_dir());
    if !is_special && !is_open_file(path) {
        return atomic_file::write_shared_by(path, write);
    }
    // Appending, because writing to stdout does not truncate the file either.
    let written = OpenOptions::new().append(true).open(path);
    match written.and_then(|file| write(&file)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Returns true if `path`, or the target of that link, names an open file of a process.
pub(super) fn is_open_file(path: &Path) -> bool {
    let places = [Some(path.to_owned()), fs::read_link(path).ok()];
    places.into_iter().flatten().any(|place| {
        fs::canonicalize(directory_of(&place))
            .is_ok_and(|directory| directory.starts_with("/proc") || directory == *"/dev/fd")
    })
}

/// Returns the directory that contains `path`.
pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Returns advice if only other tools write files with the suffix of `path`.
pub(crate) fn of_other_tools(path: &Path) -> Option<String> {
    const SUFFIXES: [(&[&str], &str, &str); 4] = [
        (&["png", "jpg", "jpeg", "pdf"], ".svg", "the picture"),
        (&["htm", "xhtml"], ".html", "the page"),
        (&["txt", "md", "csv", "tsv"], ".pstats", "the table"),
        (&["pb", "gz", "pprof", "dot", "xml"], ".json", "all figures"),
    ];
    let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
    let of_suffix = |(suffixes, ..): &&(&[&str], _, _)| suffixes.contains(&&*suffix);
    let (_, ours, what) = SUFFIXES.iter().find(of_suffix)?;
    let instead = path.with_extension(&ours[1..]);
    Some(format!("{} would be {what}", path_text(&instead)))
}

/// Removes the suffix of a result from `path`. Other dots are part of the name.
fn without_suffix(path: &Path) -> PathBuf {
    if let Some(name) = path.file_name() {
        let format = Format::of_name(path).map_or(timeline::SUFFIX, Format::suffix);
        let stem = name.as_bytes().strip_suffix(format.as_bytes());
        let stem = stem.unwrap_or_default();
        // A name that consists of the suffix alone is kept.
        if !stem.is_empty() {
            return path.with_file_name(OsStr::from_bytes(stem));
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(out: &str) -> PathBuf {
        Outputs::new(Some(Path::new(out))).unwrap().path(".svg")
    }

    #[test]
    fn a_known_suffix_is_replaced_and_other_dots_stay() {
        assert_eq!(named("another.pstats"), Path::new("another.svg"));
        assert_eq!(named("/tmp/x.flamegraph.svg"), Path::new("/tmp/x.svg"));
        assert_eq!(named("run.a"), Path::new("run.a.svg"));
        assert_eq!(named("run.b"), Path::new("run.b.svg"));
        assert_eq!(named(".prof"), Path::new(".prof.svg"));
        let latin = Path::new(OsStr::from_bytes(b"gr\xfc\xdfe.pstats"));
        assert_eq!(
            Outputs::new(Some(latin)).unwrap().path(".svg").as_os_str(),
            OsStr::from_bytes(b"gr\xfc\xdfe.svg")
        );
        assert_eq!(named("."), Path::new("./profile_analysis.svg"));
        assert_eq!(
            Outputs::new(None).unwrap().path(".prof"),
            Path::new("profile_analysis.prof")
        );
    }

    #[test]
    fn files_of_other_tools_are_not_written() {
        for (out, instead) in [
            ("a/x.PNG", "a/x.svg would be the picture"),
            ("x.txt", "x.pstats would be the table"),
            ("x.pb.gz", "x.pb.json would be all figures"),
        ] {
            let told = Outputs::new(Some(Path::new(out))).unwrap_err().to_string();
            assert!(told.ends_with(instead), "{told}");
        }
    }

    #[test]
    fn what_can_not_be_written_to_is_known_beforehand() {
        assert!(Outputs::new(Some(Path::new("/no/such/place/x.prof"))).is_err());
        assert!(Outputs::new(Some(Path::new("/no/such/place/"))).is_err());
        assert!(Outputs::new(Some(Path::new("/dev/null/"))).is_err());
        assert!(Outputs::new(Some(Path::new("/dev/null"))).is_err());
        assert!(Outputs::new(Some(Path::new(""))).is_err());
    }
}
