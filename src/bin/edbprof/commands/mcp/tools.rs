//! The tools. Each runs this program with the command line for its question.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use super::below::{Below, Opened};
use super::tool_error::ToolError;
use crate::cli::args::McpOptions;

/// Size of the longest answer, bytes. A limit of words is not enough, because words may be long.
const LONGEST: u64 = 1 << 20;

/// The tools of one server.
#[derive(Debug)]
pub(super) struct Tools {
    below: Below,
    max_words: usize,
    allows_run: bool,
    program: PathBuf,
}

/// Text of an answer, or the reason why there is none.
type Answer = Result<String, ToolError>;

impl Tools {
    pub(super) fn new(below: Below, options: &McpOptions) -> Tools {
        Tools {
            below,
            max_words: options.max_words,
            allows_run: options.allow_run,
            program: std::env::current_exe().unwrap_or_else(|_| "edbprof".into()),
        }
    }

    /// Returns the descriptions of the tools.
    pub(super) fn list(&self) -> Value {
        let profile = json!({"type": "string", "description": "Path of a profile (.prof, \
            .prof.live or a file of cProfile) below the server's directory"});
        let pattern = json!({"type": "string", "description": "Pattern of functions: a name, \
            json.*, JSONEncoder.encode, encoder.py:encode; * and ? as in a shell"});
        let words = json!({"type": "integer", "minimum": 1, "maximum": self.max_words,
            "description": "Largest number of words in the answer"});
        let tool = |name: &str, about: &str, properties: Value, required: &[&str]| {
            let mut properties = properties;
            properties["max_words"] = words.clone();
            json!({
                "name": name,
                "description": about,
                "inputSchema": {
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                },
                "annotations": {"readOnlyHint": name != "record", "openWorldHint": false},
            })
        };
        let mut tools = vec![
            tool(
                "summary",
                "The functions that took most time of their own, and what the profile is of. \
                 Without `profile`: the profiles that there are.",
                json!({"profile": profile, "sort": {"type": "string",
                    "enum": ["tottime", "cumulative", "ncalls", "waiting"]}}),
                &[],
            ),
            tool(
                "tree",
                "The call tree: the call paths that took most time.",
                json!({"profile": profile, "threshold": {"type": "number", "minimum": 0,
                    "maximum": 1, "description": "Least share of the time, 0.01 for 1 %"}}),
                &["profile"],
            ),
            tool(
                "function",
                "The figures of functions, and of their callers and callees.",
                json!({"profile": profile, "function": pattern}),
                &["profile", "function"],
            ),
            tool(
                "diff",
                "The functions that changed between two profiles: more or fewer calls, longer or \
                 shorter calls.",
                json!({"before": profile, "after": profile}),
                &["before", "after"],
            ),
            tool(
                "calls",
                "The single calls of a function, and the slowest: needs a timeline, which \
                 `edbprof run --timeline` records.",
                json!({"profile": profile, "function": pattern}),
                &["profile", "function"],
            ),
        ];
        if self.allows_run {
            tools.push(tool(
                "record",
                "Run a program and record it; the profile is then in the server's directory.",
                json!({
                    "arguments": {"type": "array", "minItems": 1, "items": {"type": "string"},
                        "description": "The program and its arguments, which no shell reads"},
                    "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$",
                        "description": "Name of the profile, without .prof"},
                }),
                &["arguments", "name"],
            ));
        }
        tools.into()
    }

    /// Runs a tool; `None` if there is no such tool.
    pub(super) fn call(&self, name: &str, arguments: &Value) -> Option<Value> {
        let asked = Arguments(arguments);
        let answer = match name {
            "summary" => self.summary(&asked),
            "tree" => self.tree(&asked),
            "function" => self.function(&asked),
            "diff" => self.diff(&asked),
            "calls" => self.calls(&asked),
            "record" if self.allows_run => self.record(&asked),
            _ => return None,
        };
        let (text, is_error) = match answer {
            Ok(text) => (text, false),
            Err(reason) => (reason.to_string(), true),
        };
        Some(json!({"content": [{"type": "text", "text": text}], "isError": is_error}))
    }

    fn summary(&self, asked: &Arguments<'_>) -> Answer {
        if asked.0.get("profile").is_none() {
            let (profiles, has_more) = self.below.profiles();
            let words = self.words(asked);
            let shown: Vec<_> = profiles.iter().take(words).collect();
            let left_out = profiles.len() - shown.len();
            let list = json!({"profiles": shown, "left_out": {"profiles": left_out},
                "has_more": has_more});
            return Ok(format!("{list:#}"));
        }
        let profile = self.open(asked.text("profile")?)?;
        let sort = match asked.0.get("sort") {
            None => "tottime",
            Some(_) => asked.text("sort")?,
        };
        let words = [format!("--sort={sort}"), "--limit=0".to_owned()];
        self.show("top", &words, &[&profile], asked)
    }

    fn tree(&self, asked: &Arguments<'_>) -> Answer {
        let profile = self.open(asked.text("profile")?)?;
        let threshold = asked.0.get("threshold").and_then(Value::as_f64);
        let threshold = threshold.unwrap_or(0.001);
        self.show(
            "tree",
            &[format!("--threshold={threshold}")],
            &[&profile],
            asked,
        )
    }

    fn function(&self, asked: &Arguments<'_>) -> Answer {
        let profile = self.open(asked.text("profile")?)?;
        let function = asked.text("function")?;
        let words = [format!("--callers={function}"), "--limit=0".to_owned()];
        self.show("top", &words, &[&profile], asked)
    }

    fn diff(&self, asked: &Arguments<'_>) -> Answer {
        let before = self.open(asked.text("before")?)?;
        let after = self.open(asked.text("after")?)?;
        self.show("diff", &[], &[&before, &after], asked)
    }

    fn calls(&self, asked: &Arguments<'_>) -> Answer {
        let name = asked.text("profile")?;
        let stem = name.strip_suffix(".prof").unwrap_or(name);
        let names = [
            name.to_owned(),
            format!("{name}.timeline"),
            format!("{stem}.timeline"),
        ];
        let names = names.iter().filter(|name| name.ends_with(".timeline"));
        let opened = names.map(|name| self.open(name));
        // If both fail, the reason of the second one is returned.
        let timeline = opened.reduce(|one, other| one.or(other));
        let timeline = timeline.ok_or(ToolError::NoTimeline)??;
        let function = asked.text("function")?.to_owned();
        if function.starts_with('-') {
            return Err(ToolError::NoFunction);
        }
        self.show("calls", &[function], &[&timeline], asked)
    }

    fn record(&self, asked: &Arguments<'_>) -> Answer {
        let name = asked.text("name")?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.starts_with('-') || !name.chars().all(is_word) {
            return Err(ToolError::BadName);
        }
        let words = asked.0.get("arguments").and_then(Value::as_array);
        let words = words.into_iter().flatten().map(Value::as_str);
        let words: Option<Vec<&str>> = words.collect();
        let Some(words) = words.filter(|words| !words.is_empty()) else {
            return Err(ToolError::NoList);
        };
        let out = self.below.path().join(format!("{name}.prof"));
        let mut command = Command::new(&self.program);
        command.current_dir(self.below.path()).arg("run");
        command
            .arg("--format=prof")
            .arg(format!("--out={}", out.display()));
        command.arg("--").args(words);
        let (text, is_success) = output(command)?;
        let state = match is_success {
            true => "",
            false => "(it did not end with status 0)\n",
        };
        Ok(first_words(
            &format!("{state}{name}.prof\n{text}"),
            self.words(asked),
        ))
    }

    fn open(&self, name: &str) -> Result<Opened, ToolError> {
        self.below
            .file(name)
            .map_err(|reason| ToolError::NotOpened {
                name: name.to_owned(),
                reason,
            })
    }

    fn words(&self, asked: &Arguments<'_>) -> usize {
        let wanted = asked.0.get("max_words").and_then(Value::as_u64);
        let wanted = wanted.and_then(|words| usize::try_from(words).ok());
        wanted.unwrap_or(usize::MAX).min(self.max_words)
    }

    /// Runs one of the commands that print JSON on `files`.
    fn show(
        &self,
        name: &str,
        words: &[String],
        files: &[&Opened],
        asked: &Arguments<'_>,
    ) -> Answer {
        let most = self.words(asked);
        let mut command = Command::new(&self.program);
        command
            .arg(name)
            .arg("--json")
            .arg(format!("--max-words={most}"));
        // The client's words are values of options or follow `--`, so they are never taken for
        // options.
        let (values, positional): (Vec<_>, Vec<_>) =
            words.iter().partition(|word| word.starts_with("--"));
        command.args(values).arg("--").args(positional);
        command.args(files.iter().map(|file| file.path()));
        let (mut text, is_success) = output(command)?;
        for file in files {
            text = text.replace(&file.path(), &file.name);
        }
        match is_success {
            true => Ok(text),
            false => Err(ToolError::Said(first_words(&text, most))),
        }
    }
}

/// Returns what a command printed, and true if it has succeeded.
fn output(mut command: Command) -> Result<(String, bool), ToolError> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(ToolError::NotRun)?;
    let stderr = child.stderr.take();
    let messages = thread::spawn(move || stderr.map(read_bounded).unwrap_or_default());
    let printed = child.stdout.take().map(read_bounded).unwrap_or_default();
    let messages = messages.join().unwrap_or_default();
    let status = child.wait().map_err(ToolError::NotRun)?;
    Ok(match (status.success(), printed.is_empty()) {
        (true, _) | (false, false) => (printed, status.success() || messages.is_empty()),
        (false, true) => (messages, false),
    })
}

/// Returns the beginning of a stream as text, and reads the rest without keeping it.
fn read_bounded(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = stream.by_ref().take(LONGEST).read_to_end(&mut bytes);
    let _ = io::copy(&mut stream, &mut io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the first `most` words of `text`, and the number of words that are left out.
fn first_words(text: &str, most: usize) -> String {
    let all = text.split_whitespace().count();
    if all <= most {
        return text.to_owned();
    }
    let first: Vec<_> = text.split_whitespace().take(most).collect();
    format!("{} … {} words left out", first.join(" "), all - most)
}

/// Arguments of a call.
struct Arguments<'a>(&'a Value);

impl<'a> Arguments<'a> {
    /// Returns a text.
    fn text(&self, name: &'static str) -> Result<&'a str, ToolError> {
        let text = self.0.get(name).and_then(Value::as_str);
        let text = text.filter(|text| !text.contains('\0'));
        text.ok_or(ToolError::NoText(name))
    }
}
