//! The command line of `edbprof mcp`.

use std::path::PathBuf;

use clap::Args;

const AFTER_HELP: &str = "\
Examples:
  edbprof mcp ./profiles                 what is in ./profiles, and nothing else
  edbprof mcp --allow-run .              may also record programs

A client starts the program and talks to it on stdin and stdout. For example, in its settings:
  {\"mcpServers\": {\"edbprof\": {\"command\": \"edbprof\", \"args\": [\"mcp\", \"/work/profiles\"]}}}";

/// Serve profiles to an assistant, by the Model Context Protocol
///
/// Its tools are summary, tree, function, diff and calls. They read the profiles below one
/// directory; links that lead out of it are refused. Names in profiles are data: they reach the
/// client as text and are never run.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct McpOptions {
    /// Directory with the profiles
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// Offer the tool record, which runs programs that the client names, with your rights
    ///
    /// The client gives a list of arguments, which no shell interprets. The profile is written
    /// to the directory.
    #[arg(long)]
    pub(crate) allow_run: bool,

    /// Largest number of words in an answer
    #[arg(long, value_name = "NUMBER", default_value_t = 2000)]
    pub(crate) max_words: usize,
}
