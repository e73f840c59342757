//! Whether a release that a channel announces is taken.

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use ts_rs::TS;

use super::Journal;

/// Who is offered what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum UpdateChannel {
    /// Releases that others have tried.
    #[default]
    Stable,
    /// Everything, first.
    Beta,
}

/// What is done about a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken.
    Take,
    /// It is what runs here, or this machine's turn has not come, or it is known not to work here.
    Pass,
    /// It is not what this channel may announce.
    Refuse(Refusal),
}

/// Why an announcement is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Of another channel.
    #[error(
        "the {asked} channel announces a release of {}; nothing was changed: try again later, or tell whoever runs the update server",
        found.map_or("no channel", UpdateChannel::name)
    )]
    OtherChannel {
        /// The one that was asked for.
        asked: UpdateChannel,
        /// The one that it says it is.
        found: Option<UpdateChannel>,
    },
    /// Older than what runs.
    #[error(
        "the {channel} channel announces {announced}, which is older than {running} here; nothing was changed, and the next newer release comes by itself"
    )]
    Older {
        /// Of this channel.
        channel: UpdateChannel,
        /// What it announces.
        announced: Version,
        /// What runs.
        running: Version,
    },
}

/// What this project adds to the updater's manifest.
#[derive(Deserialize)]
struct Extra {
    channel: Option<UpdateChannel>,
    /// On how many machines of a hundred.
    rollout: Option<u8>,
}

impl UpdateChannel {
    /// As it stands in addresses and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Beta => "beta",
        }
    }
}

impl std::fmt::Display for UpdateChannel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What is done about `announced`, of this manifest. A user who asks is not made to wait for their turn.
pub fn judge(
    running: &Version,
    channel: UpdateChannel,
    journal: &Journal,
    asked: bool,
    (announced, manifest): (&Version, &Value),
) -> Verdict {
    let extra = Extra::deserialize(manifest).unwrap_or(Extra { channel: None, rollout: None });
    if extra.channel != Some(channel) {
        return Verdict::Refuse(Refusal::OtherChannel { asked: channel, found: extra.channel });
    }
    // Whoever came from the other channel is ahead of this one for a while.
    let is_ahead = !running.pre.is_empty() && channel == UpdateChannel::Stable;
    if announced < running && !is_ahead {
        let (announced, running) = (announced.clone(), running.clone());
        return Verdict::Refuse(Refusal::Older { channel, announced, running });
    }
    let has_turn = asked || turn(journal.seed, announced) < extra.rollout.unwrap_or(100);
    if announced > running && has_turn && !journal.is_bad(announced) { Verdict::Take } else { Verdict::Pass }
}

/// When a machine is offered this version, from 0 to 99: another machine first each time.
fn turn(seed: u64, version: &Version) -> u8 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(version.to_string()).finalize();
    let [first, second, third, fourth, ..] = <[u8; 32]>::from(digest);
    u8::try_from(u32::from_le_bytes([first, second, third, fourth]) % 100).unwrap_or(99)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn verdict(running: &str, channel: UpdateChannel, announced: &str, manifest: &Value) -> Verdict {
        judge(&version(running), channel, &Journal::default(), false, (&version(announced), manifest))
    }

    #[test]
    fn only_what_is_newer_and_of_the_channel_is_taken() {
        use UpdateChannel::{Beta, Stable};
        let of = |channel: &str| json!({ "channel": channel });
        for (running, channel, announced, manifest, taken) in [
            ("0.1.0", Stable, "0.1.1", of("stable"), true),
            ("0.1.0", Stable, "0.1.0", of("stable"), false),
            ("0.1.0", Beta, "0.2.0-beta.1", of("beta"), true),
            ("0.2.0-beta.9", Beta, "0.2.0-beta.10", of("beta"), true),
            ("0.2.0-beta.10", Beta, "0.2.0", of("beta"), true),
            ("0.2.0-beta.1", Stable, "0.1.1", of("stable"), false),
            ("0.2.0-beta.1", Stable, "0.2.0", of("stable"), true),
        ] {
            let expected = if taken { Verdict::Take } else { Verdict::Pass };
            assert_eq!(verdict(running, channel, announced, &manifest), expected, "{running} {channel} {announced}");
        }
    }

    #[test]
    fn another_channels_manifest_and_a_downgrade_are_refused_in_words() {
        for (manifest, announced, part) in [
            (json!({ "channel": "beta" }), "0.3.0", "announces a release of beta"),
            (json!({}), "0.3.0", "no channel"),
            (json!({ "channel": "nightly" }), "0.3.0", "no channel"),
            (json!({ "channel": "stable" }), "0.1.0", "older than 0.2.0"),
        ] {
            let Verdict::Refuse(refusal) = verdict("0.2.0", UpdateChannel::Stable, announced, &manifest) else {
                panic!("{manifest} was not refused");
            };
            assert!(refusal.to_string().contains(part), "{refusal}");
        }
    }

    #[test]
    fn what_did_not_work_here_is_not_taken_again_and_what_comes_after_it_is() {
        let mut journal = Journal::default();
        journal.condemn(&version("0.2.0"));
        let manifest = json!({ "channel": "stable" });
        let judged = |announced| {
            judge(&version("0.1.0"), UpdateChannel::Stable, &journal, true, (&version(announced), &manifest))
        };
        assert_eq!((judged("0.2.0"), judged("0.2.1")), (Verdict::Pass, Verdict::Take));
    }

    #[test]
    fn a_staged_release_comes_to_about_as_many_machines_as_it_says_and_to_who_asks() {
        let (manifest, announced) = (json!({ "channel": "beta", "rollout": 30 }), version("0.2.0"));
        let takes = |seed, asked| {
            let journal = Journal { seed, ..Journal::default() };
            judge(&version("0.1.0"), UpdateChannel::Beta, &journal, asked, (&announced, &manifest)) == Verdict::Take
        };
        let machines = (0..2_000).filter(|seed| takes(*seed, false)).count();
        assert!((500..700).contains(&machines), "{machines} of 2000");
        assert!((0..200).all(|seed| takes(seed, true)));
    }

    proptest! {
        #[test]
        fn a_wider_rollout_loses_nobody(seed in any::<u64>(), narrow in 0_u8..=100, wider in 0_u8..=100) {
            let takes = |rollout: u8| {
                let manifest = json!({ "channel": "beta", "rollout": rollout });
                let journal = Journal { seed, ..Journal::default() };
                judge(&version("0.1.0"), UpdateChannel::Beta, &journal, false, (&version("0.2.0"), &manifest)) == Verdict::Take
            };
            prop_assert!(!takes(narrow.min(wider)) || takes(narrow.max(wider)));
            prop_assert!(takes(100));
        }
    }
}
