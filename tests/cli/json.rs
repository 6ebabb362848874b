//! `--json` of every command, by one schema, and `--max-words`.

use serde_json::Value;

use crate::formats::check_schema;
use crate::sandbox::{Sandbox, recording};

const SCHEMA: &str = include_str!("../../src/report/edbprof.schema.json");

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let sandbox = sandbox.with("a.prof", &recording(1, 10));
    let sandbox = sandbox.with("b.prof", &recording(2, 30));
    std::fs::write(sandbox.work("budget.toml"), "[calls]\n\"leaf\" = 20\n").unwrap();
    sandbox
}

/// The JSON that `arguments` print on the inputs that follow.
fn printed(sandbox: &Sandbox, arguments: &[&str], inputs: &[&str], code: i32) -> Value {
    let inputs: Vec<_> = inputs.iter().map(|name| sandbox.input(name)).collect();
    let paths = inputs.iter().map(|path| path.to_str().unwrap());
    let arguments: Vec<_> = arguments.iter().copied().chain(paths).collect();
    let value = serde_json::from_str(&sandbox.run(&arguments).expect(code).stdout).unwrap();
    check_schema(SCHEMA, &value, &arguments.join(" "));
    value
}

fn id_of<'v>(functions: &'v Value, name: &str) -> &'v Value {
    let mut functions = functions.as_array().unwrap().iter();
    &functions.find(|of| of["name"] == name).unwrap()["id"]
}

#[test]
fn every_command_keeps_to_the_schema_and_names_functions_alike() {
    let sandbox = sandbox();
    let top = printed(&sandbox, &["top", "--json"], &["a.prof"], 0);
    let leaf = id_of(&top["functions"], "leaf");
    assert_eq!(top["left_out"]["functions"], 0);
    let tree = printed(&sandbox, &["tree", "--json"], &["b.prof"], 0);
    assert_eq!(id_of(&tree["functions"], "leaf"), leaf);
    let exported = printed(
        &sandbox,
        &["export", "--format=json", "-o", "-"],
        &["a.prof"],
        0,
    );
    assert_eq!(id_of(&exported["functions"], "leaf"), leaf);
    assert_eq!(id_of(&exported["tree"]["functions"], "leaf"), leaf);
    let diff = printed(&sandbox, &["diff", "--json"], &["a.prof", "b.prof"], 0);
    assert_eq!(id_of(&diff["functions"], "leaf"), leaf);
    let arguments = ["check", "--json", "--budget=budget.toml"];
    let check = printed(&sandbox, &arguments, &["b.prof"], 5);
    assert_eq!(check["is_kept"], false);
    assert_eq!(check["limits"][0]["is"], 30);
    assert_eq!(
        printed(&sandbox, &arguments, &["a.prof"], 0)["is_kept"],
        true
    );
    let related = printed(
        &sandbox,
        &["top", "--json", "--callers=leaf"],
        &["a.prof"],
        0,
    );
    assert_eq!(related["functions"][0]["callers"][0]["name"], "main");
}

#[test]
fn max_words_keeps_what_matters_and_says_what_is_left_out() {
    let sandbox = sandbox();
    let (path, words) = (sandbox.input("a.prof"), |text: &str| {
        text.split_whitespace().count()
    });
    let path = path.to_str().unwrap();
    for command in [
        &["top"][..],
        &["tree"],
        &["top", "--json"],
        &["tree", "--json"],
    ] {
        let all = [command, &[path]].concat();
        let all = words(&sandbox.run(&all).expect(0).stdout);
        let most = all - 1;
        let option = format!("--max-words={most}");
        let fewer = [command, &[&option, path]].concat();
        let fewer = sandbox.run(&fewer).expect(0).stdout;
        assert!(words(&fewer) <= most, "{command:?}: {fewer}");
        assert!(fewer.contains('…') || fewer.contains("left_out"), "{fewer}");
    }
    let tree = printed(
        &sandbox,
        &["tree", "--json", "--max-words=75"],
        &["a.prof"],
        0,
    );
    assert_eq!(tree["nodes"].as_array().unwrap().len(), 1, "{tree:#}");
    assert_eq!(tree["left_out"]["nodes"], 1);
}
