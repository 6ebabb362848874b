//! Completions for shells, and manual pages.

use crate::sandbox::Sandbox;

#[test]
fn each_shell_gets_a_script_that_knows_the_commands() {
    for (shell, line) in [
        ("bash", "complete -F _edbprof"),
        ("zsh", "#compdef edbprof"),
        ("fish", "complete -c edbprof"),
    ] {
        let script = Sandbox::new().run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains(line), "{shell}: {script}");
        for word in ["tree", "export", "clean", "only-thread"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let refused = Sandbox::new().run(&["completions", "csh"]).expect(2);
    assert!(
        refused
            .stderr
            .contains("[possible values: bash, zsh, fish]")
    );
}

#[test]
fn each_command_has_a_manual_page() {
    let sandbox = Sandbox::new();
    sandbox.run(&["man", "pages/man1"]).expect(0);
    let page = |name: &str| std::fs::read_to_string(sandbox.work("pages/man1").join(name)).unwrap();
    assert!(page("edbprof.1").contains("Merges the profiles"));
    let help = sandbox.run(&["--help"]).expect(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .map_while(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 5, "{commands:?}");
    for command in commands {
        assert!(page(&format!("edbprof-{command}.1")).contains(command));
    }
    std::fs::write(sandbox.work("file"), "").unwrap();
    let refused = sandbox.run(&["man", "file"]).expect(4);
    assert!(
        refused.stderr.contains("can't write manual pages to file"),
        "{}",
        refused.stderr
    );
}
