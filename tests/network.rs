//! The story of `./dev demo network`, shorter: real processes, the real engine, a cheat that is found out.

use std::{env, process::Command};

/// Long enough for every client to be answered by every node that may serve it.
const SECONDS: &str = "40";

#[test]
fn the_network_tells_an_honest_node_from_a_cheat() {
    let test = env::current_exe().unwrap();
    let programs = test.parent().and_then(|folder| folder.parent()).unwrap();
    let mut story = Command::new(programs.join("examples").join("demo_network"));
    story.args(["--seconds", SECONDS, "--program"]).arg(programs.join("cortensor"));
    assert!(story.status().unwrap().success(), "the story did not go as it should; it says why above");
}
