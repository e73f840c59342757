//! The package as a user has it: installed into a root of its own, started from there, removed without a trace.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use cortensor_tests::{Home, Keychain, Session, program};

/// Runs a program to its end.
fn run(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&done.stderr));
}

fn dpkg(root: &Path) -> Command {
    let mut dpkg = Command::new("dpkg");
    let root = format!("--root={}", root.display());
    // The libraries that it depends on are this machine's, not the root's.
    dpkg.args([&root, "--force-depends", "--force-not-root", "--force-script-chrootless", "--log=/dev/null"]);
    dpkg
}

fn files(root: &Path) -> Vec<String> {
    let found = Command::new("find").arg(root).args(["-type", "f", "-printf", "%P\\n"]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What every package has below `usr`.
const PARTS: [&str; 9] = [
    "bin/cortensor",
    "bin/cortensor-miner",
    "lib/systemd/user/cortensor.service",
    "lib/systemd/user/cortensor@.service",
    "share/applications/Cortensor Miner.desktop",
    "share/icons/hicolor/32x32/apps/cortensor-miner.png",
    "share/icons/hicolor/512x512/apps/cortensor-miner.png",
    "share/cortensor-miner/SmolLM2-135M-Instruct.Q4_1.gguf",
    "share/doc/cortensor-miner/LICENSE-MIT",
];

/// Makes the package of one kind from the programs that are tested.
fn package(folder: &Path, kind: &str) -> PathBuf {
    let packages = folder.join("packages");
    let programs = program("cortensor-miner").parent().unwrap().to_owned();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let model = std::env::var_os("CORTENSOR_STARTER_MODEL").expect("run the tests with ./dev test");
    let script = repository.join("scripts/package");
    run(Command::new(script).args([programs.as_os_str(), &model, packages.as_os_str()]).arg(kind));
    fs::read_dir(&packages).unwrap().next().expect("a package").unwrap().path()
}

fn has_every_part(root: &Path) {
    let installed = files(&root.join("usr"));
    for part in PARTS {
        assert!(installed.iter().any(|file| file == part), "{part} is missing in {installed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_installs_starts_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let package = package(folder.path(), "deb");

    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    run(dpkg(&root).arg("--install").arg(&package));
    has_every_part(&root);

    // What they start is in the root, and nowhere else.
    let units = root.join("usr/lib/systemd/user");
    for unit in ["cortensor.service", "cortensor@.service"] {
        let installed = fs::read_to_string(units.join(unit)).unwrap();
        let program = root.join("usr/bin/cortensor").display().to_string();
        let unit = folder.path().join(unit);
        fs::write(&unit, installed.replace("/usr/bin/cortensor", &program)).unwrap();
        run(Command::new("systemd-analyze").args(["--user", "verify"]).arg(unit).env("XDG_RUNTIME_DIR", folder.path()));
    }

    // It finds its model and mines.
    let home = Home::without_model();
    let session = Session::start(&home, Keychain::Open);
    let window = session.start_alone(&home, &root.join("usr/bin/cortensor-miner"), &[]);
    home.mines().await;
    run(Command::new("kill").args(["-TERM", &home.process().to_string()]));
    window.wait();

    // Its user has it take its models along, and an administrator had it start for everybody.
    run(home.command(root.join("usr/bin/cortensor")).args(["remove", "--yes"]));
    assert!(!home.data().join("models").exists());
    let enabled = root.join("etc/systemd/user/default.target.wants/cortensor.service");
    fs::create_dir_all(enabled.parent().unwrap()).unwrap();
    symlink("/usr/lib/systemd/user/cortensor.service", &enabled).unwrap();
    let has_systemd = Command::new("systemctl").arg("--version").output().is_ok();

    run(dpkg(&root).args(["--remove", "cortensor-miner"]));
    assert_eq!(files(&root.join("usr")), Vec::<String>::new());
    assert!(!has_systemd || !enabled.is_symlink(), "what starts at login is gone with it");
    run(dpkg(&root).args(["--purge", "cortensor-miner"]));
    assert!(home.data().join("ledger.sqlite").exists(), "what the user earned is the user's");
}

#[test]
fn the_rpm_installs_starts_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let package = package(folder.path(), "rpm");
    let rpm = || {
        let mut rpm = Command::new("rpm");
        // The libraries that it depends on are this machine's, not the root's, and so is the shell of its scripts.
        rpm.arg("--root").arg(&root).args(["--nodeps", "--noscripts"]);
        rpm
    };
    fs::create_dir_all(&root).unwrap();
    run(Command::new("rpm").arg("--root").arg(&root).arg("--initdb"));
    run(rpm().arg("--install").arg(&package));
    has_every_part(&root);
    let version = Command::new(root.join("usr/bin/cortensor")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(version.stdout).unwrap().trim(), concat!("cortensor ", env!("CARGO_PKG_VERSION")));

    // What it does before it is removed, in the root.
    let enabled = root.join("etc/systemd/user/default.target.wants/cortensor.service");
    fs::create_dir_all(enabled.parent().unwrap()).unwrap();
    symlink("/usr/lib/systemd/user/cortensor.service", &enabled).unwrap();
    let script = Command::new("rpm").args(["--query", "--queryformat", "%{PREUN}", "--package"]).arg(&package).output();
    let script = String::from_utf8(script.unwrap().stdout).unwrap();
    run(Command::new("sh").args(["-c", &script, "sh", "0"]).env("DPKG_ROOT", &root));
    assert!(!enabled.is_symlink(), "{script}");

    run(rpm().args(["--erase", "cortensor-miner"]));
    assert_eq!(files(&root.join("usr")), Vec::<String>::new());
}
