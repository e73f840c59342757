//! How the window answers while precisions are scored: its frames, and what a key waits for the next one.
//!
//! `./dev bench scoring` runs it. The same page is watched in the same run with the miner paused and nothing else to do,
//! which is the limit: a frame can be no earlier than the screen's.

#![cfg(target_os = "linux")]

use std::time::Duration;

use cortensor_tests::{Desktop, Home, Keychain, heading};
use serde_json::json;

/// Keys pressed, and the time between two.
const KEYS: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(200);

/// Writes down the time between frames, and from each key to the frame behind it, in milliseconds.
const WATCH: &str = "
    window.frames_seen = []; window.keys_seen = [];
    let last = performance.now();
    const frame = (now) => { window.frames_seen.push(now - last); last = now; window.watching = requestAnimationFrame(frame); };
    window.watching = requestAnimationFrame(frame);
    window.press ??= addEventListener('keydown', ({ timeStamp }) =>
        requestAnimationFrame(() => window.keys_seen.push(performance.now() - timeStamp)), { capture: true }) ?? true;";
const SEEN: &str = "cancelAnimationFrame(window.watching); return [window.frames_seen, window.keys_seen];";
const SCORES: &str = "/windows scored/.test(document.body.innerText)";

#[tokio::main]
async fn main() {
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    desktop.until(&heading("Mining")).await;
    desktop.click("Pause").await;
    desktop.until(&heading("Paused")).await;
    desktop.go_to("compare").await;
    desktop.click("Fidelity report").await;
    desktop.says("How much of it").await;
    let idle = Seen::of(&desktop).await;

    desktop.click("Measure").await;
    desktop.until(SCORES).await;
    let scoring = Seen::of(&desktop).await;
    let over = desktop.window.execute(format!("return !{SCORES}"), Vec::new()).await.unwrap();
    assert_eq!(over.json(), &json!(false), "scoring was over before it was measured");
    desktop.click("Stop").await;
    desktop.says("What was scored is kept").await;

    println!("{:>8}  {:>22}  {:>34}", "", "keys seen, frames/s", "key to frame: median, 95, 100 %, ms");
    idle.print("idle");
    scoring.print("scoring");
    println!("frames a second, scoring to idle: {:.3}", scoring.frames_a_second() / idle.frames_a_second());
    desktop.quit().await;
}

/// What the page wrote down, each sorted.
struct Seen {
    frames: Vec<f64>,
    keys: Vec<f64>,
}

impl Seen {
    async fn of(desktop: &Desktop) -> Self {
        desktop.window.execute(WATCH, Vec::new()).await.unwrap();
        for _ in 0..KEYS {
            assert!(desktop.command("xdotool").args(["key", "Tab"]).status().unwrap().success());
            tokio::time::sleep(BETWEEN).await;
        }
        let seen = desktop.window.execute(SEEN, Vec::new()).await.unwrap();
        let (mut frames, mut keys): (Vec<f64>, Vec<f64>) = seen.convert().unwrap();
        frames.sort_by(f64::total_cmp);
        keys.sort_by(f64::total_cmp);
        Self { frames, keys }
    }

    fn frames_a_second(&self) -> f64 {
        let frames = f64::from(u32::try_from(self.frames.len()).unwrap());
        frames * 1e3 / self.frames.iter().sum::<f64>()
    }

    fn print(&self, when: &str) {
        println!(
            "{when:>8}  {:>3} of {KEYS}, {:>10.1}  {:>10.1} {:>10.1} {:>10.1}    longest frame {:.0} ms, 99 % under {:.0} ms",
            self.keys.len(),
            self.frames_a_second(),
            share(&self.keys, 50),
            share(&self.keys, 95),
            share(&self.keys, 100),
            share(&self.frames, 100),
            share(&self.frames, 99),
        );
    }
}

/// What so many of a hundred values are not above.
fn share(sorted: &[f64], percent: usize) -> f64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(f64::NAN)
}
