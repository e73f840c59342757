//! The network tells an honest node from a cheat: a story with real processes, told by the router's own records.
//!
//! One router, one validator and four miners on one machine, each a process of its own with the real engine: an honest full
//! one, an honest quantized one, a slow one, and one that claims F16 and serves `Q4_0`. Clients ask for answers meanwhile, and
//! a node is killed in the middle. `./dev demo network` runs it; it fails if the story did not go as it should.

mod cast;
mod disguise;
mod load;
mod records;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use tokio::time::sleep;

use self::{
    cast::{Cast, Role},
    disguise::Disguise,
    load::{Kind, Load},
    records::Records,
};

/// How much longer clients ask if the cheat is not found by then.
const LONGEST_SEARCH: Duration = Duration::from_secs(180);

/// Whatever went wrong.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The network tells an honest node from a cheat.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// The `cortensor` program
    #[arg(long, global = true, default_value = "cortensor", value_name = "FILE")]
    program: PathBuf,
    /// The starter model's GGUF file
    #[arg(long, global = true, env = "CORTENSOR_STARTER_MODEL", value_name = "FILE")]
    model_file: PathBuf,
    /// How long clients ask while every node is there; they go on until the cheat is found
    #[arg(long, default_value_t = 180, value_name = "SECONDS")]
    seconds: u64,
}

#[derive(Subcommand)]
enum Part {
    /// A miner that is not what it seems
    #[command(hide = true)]
    Node {
        disguise: Disguise,
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        router: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let told = match arguments.part {
        Some(Part::Node { disguise, data, router }) => {
            disguise::mine(disguise, data, arguments.model_file, router).await.map(|()| true)
        }
        None => story(&arguments.program, arguments.model_file, Duration::from_secs(arguments.seconds)).await,
    };
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether it went as it should.
async fn story(program: &std::path::Path, model_file: PathBuf, length: Duration) -> Result<bool, Failure> {
    let mut cast = Cast::gather(program, model_file).await?;
    println!("\nClients ask for {} s: high accuracy, cost-effective and basic work.", length.as_secs());
    let load = Load::start(&cast.router);
    let began = Instant::now();
    sleep(length / 2).await;
    println!("{:>5.0} s  the quantized node is killed", began.elapsed().as_secs_f64());
    load.one_is_gone();
    cast.kill(Role::Quantized).await;
    sleep(length / 6).await;
    cast.join(Role::Quantized).await?;
    load.all_are_there();
    println!("{:>5.0} s  it is back", began.elapsed().as_secs_f64());
    sleep(length / 2).await;
    cast.is_found(Role::Cheat, LONGEST_SEARCH).await?;
    let load = load.end().await;
    cast.audits_are_done().await?;
    let records = Records::read(&cast).await?;
    records.print(&cast, &load);
    let ledger = cast.verify_ledger().await?;
    println!("\n{ledger}");
    let faults = faults(&cast, &load, &records);
    for fault in &faults {
        println!("NOT AS IT SHOULD BE: {fault}");
    }
    cast.end().await;
    Ok(faults.is_empty())
}

/// What did not go as it should.
fn faults(cast: &Cast, load: &load::Tally, records: &Records) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let [full, quantized, slow, cheat] = Role::ALL.map(|role| records.of(cast.address(role)));
    must(cheat.falls > 0, "the cheat was not found");
    must(cheat.kept == 0.0, "the cheat kept pay");
    must(cheat.tier.is_none(), "the cheat still has a tier");
    must([&full, &quantized, &slow].iter().all(|node| node.falls == 0), "an honest node was accused");
    must([&full, &quantized, &slow].iter().all(|node| node.kept > 0.0), "an honest node earned nothing");
    let accurate = |role| load.served(Kind::HighAccuracy, cast.address(role));
    must(accurate(Role::Full) > 0, "the honest full node got no high-accuracy work");
    must(accurate(Role::Quantized) + accurate(Role::Slow) == 0, "high-accuracy work went to a quantized node");
    let among_all = |role| load.served_among_all(Kind::CostEffective, cast.address(role));
    must(among_all(Role::Quantized) > among_all(Role::Slow), "volume went to the slow node");
    let volume = |role| load.served(Kind::CostEffective, cast.address(role));
    must(
        volume(Role::Full) + volume(Role::Cheat) == 0,
        "cost-effective work went to a node that claims full precision",
    );
    must(load.failed.is_empty(), "a client's request failed");
    faults
}
