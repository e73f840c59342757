//! Compiles the check that runs before any Rust code: the only code here that an older processor can run.

fn main() {
    println!("cargo::rerun-if-changed=src/cpu_check.c");
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        // Where a package has NVIDIA's libraries.
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,$ORIGIN/../lib/cortensor-miner");
    }
    let target = |name: &str| std::env::var(name).unwrap_or_default();
    let needs_avx2 = target("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "avx2");
    let is_unix = target("CARGO_CFG_TARGET_FAMILY").split(',').any(|family| family == "unix");
    if target("CARGO_CFG_TARGET_ARCH") == "x86_64" && needs_avx2 && is_unix {
        cc::Build::new().file("src/cpu_check.c").flag_if_supported("-march=x86-64").compile("cortensor_cpu_check");
        println!("cargo::rustc-link-arg-bins=-Wl,--undefined=cortensor_cpu_check");
    }
}
