//! On a processor without AVX2 the program says so instead of dying of an illegal instruction.
//!
//! The processor is emulated; `./dev test` installs what this needs (`qemu-user`).

#![cfg(all(target_os = "linux", target_arch = "x86_64", target_feature = "avx2"))]

use std::process::{Command, Output};

/// `cortensor --version` on a processor of this kind.
fn version_on(processor: &str) -> Output {
    Command::new("qemu-x86_64")
        .args(["-cpu", processor, env!("CARGO_BIN_EXE_cortensor"), "--version"])
        .output()
        .expect("qemu-x86_64 is not installed; run the tests with ./dev test")
}

#[test]
fn an_older_processor_is_told_what_it_lacks_and_what_to_do() {
    for processor in ["Nehalem", "SandyBridge", "Opteron_G5"] {
        let output = version_on(processor);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{processor}: {error}");
        assert!(error.contains("AVX2") && error.contains("RUSTFLAGS"), "{processor}: {error}");
    }
}

#[test]
fn a_processor_with_avx2_is_welcome() {
    let output = version_on("max");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("cortensor "));
}
