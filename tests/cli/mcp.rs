//! `edbprof mcp`, line by line. tests/python/test_mcp.py has the protocol's own client.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, recording};

/// Answers of a server of the inputs to `lines`.
fn answers(sandbox: &Sandbox, options: &[&str], lines: &[String]) -> Vec<Value> {
    let mut command = sandbox.command();
    command.arg("mcp").args(options).arg(sandbox.input(""));
    let mut server = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = lines.join("\n") + "\n";
    server
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn call(tool: &str, arguments: &Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
}

/// Text of the answer to a call of a tool, and true if it is an error.
fn answer(sandbox: &Sandbox, tool: &str, arguments: &Value) -> (String, bool) {
    let answers = answers(sandbox, &[], &[call(tool, arguments)]);
    let result = &answers[0]["result"];
    let text = result["content"][0]["text"].as_str().unwrap();
    (text.to_owned(), result["isError"].as_bool().unwrap())
}

#[test]
fn messages_that_make_no_sense_are_answered() {
    let lines = [
        "nonsense".to_owned(),
        r#"{"jsonrpc": "2.0", "id": 7}"#.to_owned(),
        r#"{"jsonrpc": "2.0", "id": 8, "method": "no/method"}"#.to_owned(),
        r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#.to_owned(),
        r#"[{"jsonrpc": "2.0", "id": 9, "method": "ping"}]"#.to_owned(),
        call("record", &json!({"arguments": ["true"], "name": "x"})),
    ];
    let answers = answers(&Sandbox::new(), &[], &lines);
    let codes: Vec<_> = answers
        .iter()
        .map(|of| of["error"]["code"].as_i64())
        .collect();
    let expected = [Some(-32700), Some(-32600), Some(-32601), None, Some(-32602)];
    assert_eq!(codes, expected);
    assert_eq!(answers[3][0]["id"], 9);
}

#[test]
fn only_what_is_below_the_directory_is_read() {
    let sandbox = Sandbox::new().with("a.prof", &recording(1, 10));
    std::fs::write(sandbox.work("secret.prof"), recording(2, 20)).unwrap();
    symlink(sandbox.work("secret.prof"), sandbox.input("link.prof")).unwrap();
    let (text, is_error) = answer(&sandbox, "summary", &json!({"profile": "a.prof"}));
    assert!(!is_error && text.contains("leaf"), "{text}");
    let secret = sandbox.work("secret.prof");
    for profile in ["link.prof", "../work/secret.prof", secret.to_str().unwrap()] {
        let (text, is_error) = answer(&sandbox, "summary", &json!({"profile": profile}));
        assert!(is_error && text.contains("leads out"), "{text}");
    }
    let (text, _) = answer(&sandbox, "summary", &json!({}));
    let listed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(listed["profiles"], json!(["a.prof"]));
}

#[test]
fn words_of_the_client_are_no_options() {
    let sandbox = Sandbox::new().with("a.prof", &recording(1, 10));
    let function = json!({"profile": "a.prof", "function": "--out=x"});
    let (text, is_error) = answer(&sandbox, "function", &function);
    assert!(is_error && text.contains("no function matches"), "{text}");
    let (_, is_error) = answer(&sandbox, "calls", &function);
    assert!(is_error);
}

#[test]
fn answers_are_bounded() {
    let sandbox = Sandbox::new().with("a.prof", &recording(1, 10));
    for tool in ["summary", "tree"] {
        let arguments = json!({"profile": "a.prof", "max_words": 70});
        let (text, is_error) = answer(&sandbox, tool, &arguments);
        assert!(!is_error && text.split_whitespace().count() <= 70, "{text}");
        assert!(text.contains("left_out"));
    }
}
