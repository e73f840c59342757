//! `cortensor pair`: who may see the status page of the running miner.

use std::{process::ExitCode, str::FromStr};

use clap::Args;
use cortensor_host::status_page::{DeviceId, ForgetRequest, PairedDevice, PairingOffer};
use cortensor_protocol::Millis;

use crate::{Common, Outcome, client::Miner};

/// What to do about paired browsers.
#[derive(Args)]
pub(crate) struct PairArguments {
    /// List the browsers that are paired
    #[arg(long, conflicts_with = "forget")]
    list: bool,
    /// Let the browser with this number see the page no longer, or `all`
    #[arg(long, value_name = "ID")]
    forget: Option<Which>,
}

/// One browser, or all.
#[derive(Clone, Copy)]
struct Which(Option<DeviceId>);

impl FromStr for Which {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self(None)),
            number => number.parse().map(|id| Self(Some(id))).map_err(|_| "give a number as `--list` shows it, or all"),
        }
    }
}

/// `cortensor pair`
pub(crate) async fn pair(common: &Common, arguments: &PairArguments) -> Outcome {
    let miner = Miner::find(&common.folders()?)?;
    match arguments.forget {
        Some(Which(id)) => forget(common, &miner, id).await,
        None if arguments.list => list(common, &miner).await,
        None => offer(common, &miner).await,
    }
}

async fn offer(common: &Common, miner: &Miner) -> Outcome {
    let offer: PairingOffer = miner.post("pairing/code", &()).await?;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&offer)?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("Code     {}   (for one browser, until {})", offer.code.digits, clock(offer.code.until, "%H:%M"));
    offer.addresses.iter().for_each(|address| say!("Open     {address}"));
    say!("The page is not encrypted: whoever listens in the same network can read it. Nothing can be changed with it.");
    Ok(ExitCode::SUCCESS)
}

async fn list(common: &Common, miner: &Miner) -> Outcome {
    let devices: Vec<PairedDevice> = miner.get("pairing/devices").await?;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&devices)?);
    } else if devices.is_empty() {
        say!("no browser is paired; `cortensor pair` shows a code for one");
    } else {
        devices.iter().for_each(|device| say!("{}", line(device)));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(device: &PairedDevice) -> String {
    let (paired, seen) = (clock(device.paired_at, "%Y-%m-%d %H:%M"), clock(device.last_seen, "%Y-%m-%d %H:%M"));
    format!("{:>3}  {:<28} paired {paired}   last seen {seen}", device.id.to_string(), device.name)
}

async fn forget(common: &Common, miner: &Miner, id: Option<DeviceId>) -> Outcome {
    let answer: serde_json::Value = miner.post("pairing/forget", &ForgetRequest { id }).await?;
    if common.json {
        say!("{answer}");
    } else {
        say!("forgotten; it sees the page no longer");
    }
    Ok(ExitCode::SUCCESS)
}

fn clock(at: Millis, form: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::system()).strftime(form).to_string()
}
