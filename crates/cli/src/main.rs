//! `cortensor`: the miner, the router and what one asks of them, on the command line.
//!
//! A host: it chooses the engine, starts the embedded practice router, and shows what `app` says.
//!
//! **Invariant:** decides nothing that another host would have to decide again.

/// Prints a line. That nobody reads it any more (`cortensor status | head -1`) is no error of ours.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod bench;
mod client;
mod compare;
mod diagnosis;
mod doctor;
mod fidelity;
mod job;
mod key;
mod mine;
mod models;
mod nodes;
mod pair;
mod remove;
mod report;
mod router;
mod show;
mod validator;
mod verify_ledger;
mod why;
mod withdraw;

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use cortensor_app::{Folders, NodeName, PauseLength, SideChoice, starter_file};
use cortensor_host::threads;
use cortensor_protocol::{Amount, Mode, NodeAddress, Precision};
use serde_json::json;

/// What every command returns: an error is printed with everything it came from.
type Outcome = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// Earn by serving LLM requests on a decentralized inference network.
#[derive(Parser)]
#[command(name = "cortensor", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Said with any command.
#[derive(Args)]
struct Common {
    /// Where everything is kept [default: the data folder of this user]
    #[arg(long, global = true, env = "CORTENSOR_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The node with this name, one of several on this machine: everything of its own, the models shared [default: the main node]
    #[arg(long, global = true, env = "CORTENSOR_NAME", value_name = "NAME", conflicts_with = "data")]
    name: Option<NodeName>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Mine: find the hardware, choose a precision, join, be tested, serve, earn
    Mine(MineArguments),
    /// Run a router for nodes on other machines, or look at its ledger
    Router(RouterArguments),
    /// Look at nodes' answers for a router: do they run what they claim?
    Validator(ValidatorArguments),
    /// How the running miner is
    Status,
    /// Every node of this user on this machine: the main one and those with a name
    Nodes,
    /// What was earned
    Earnings {
        /// How many of the latest requests to list
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Why nothing is earned: the chain from this miner to the network's demand, and the first thing to fix
    Why,
    /// Have what was earned withdrawn: practice credits, for a statement that the router signs
    Withdraw(WithdrawArguments),
    /// Choose between precision and volume
    Mode {
        /// `precision` or `volume`
        mode: Mode,
    },
    /// Finish what runs, take no more tasks, give the memory back
    Pause {
        /// Go on by itself after `15m`, `1h`, or `tomorrow` at six [default: until `cortensor resume`]
        #[arg(long = "for", value_name = "TIME")]
        length: Option<PauseLength>,
    },
    /// Take tasks again
    Resume,
    /// Load in full again what ran out of memory and is loaded with less since
    Retry,
    /// Let a browser in your network see how the running miner is: a code for its status page
    Pair(pair::PairArguments),
    /// Finish what runs and end the running miner
    Quit,
    /// Measure every precision on this machine, and numbers of threads
    Bench(BenchArguments),
    /// Let two or more precisions, models or the network answer one prompt, and say token by token how far they are apart
    Compare(CompareArguments),
    /// Measure over a text how far each precision is from a reference
    Fidelity(FidelityArguments),
    /// Say what would stop this machine from mining
    Doctor(MineArguments),
    /// Write what happened on this machine into a text file, for whoever helps you; without keys, addresses and prompts
    Diagnosis {
        /// The file, such as `diagnosis.md`
        file: PathBuf,
    },
    /// The node's key: take it over from another program's file
    Key(key::KeyArguments),
    /// Models: what the network serves and what is here; get, import, remove
    Models(models::ModelsArguments),
    /// Take the miner off this computer: asks about its models, earnings and key, and says how the program itself goes
    Remove(remove::RemoveArguments),
}

/// Where the model is.
#[derive(Args)]
struct ModelArguments {
    /// The starter model's GGUF file [default: the package's]
    #[arg(long, env = "CORTENSOR_STARTER_MODEL", value_name = "FILE", default_value_os_t = starter_file(), hide_default_value = true)]
    model_file: PathBuf,
}

/// What to measure of this machine.
#[derive(Args)]
struct BenchArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Numbers of threads to try, such as `16,8,4` [default: those that this processor suggests, if there is a choice]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    threads: Option<Vec<NonZeroU32>>,
}

/// What to compare.
#[derive(Args)]
struct CompareArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// What to answer
    #[arg(long)]
    prompt: String,
    /// Instructions for the whole answer
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// The reference: `full` or a precision of the starter model such as `q8_0`, `MODEL:FORMAT` as `cortensor models` lists
    /// them, a file's SHA-256, or `remote` for the network's high accuracy (`remote:MODEL:CHOICE` for anything else there)
    #[arg(long, default_value = "full", value_name = "SIDE")]
    a: SideChoice,
    /// What is compared with it, written likewise; up to three times
    #[arg(long, required = true, num_args = 1, value_name = "SIDE")]
    b: Vec<SideChoice>,
    /// The router that `remote` asks [default: the settings, or the practice network of this machine]
    #[arg(long, value_name = "URL")]
    router: Option<String>,
    /// Your key there [default: the practice network's own user's, or the one that the window has kept]
    #[arg(long, env = "CORTENSOR_API_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: Option<String>,
    /// Most tokens of an answer
    #[arg(long, default_value_t = 128, value_name = "TOKENS")]
    max_tokens: u32,
    /// 0 always takes the likeliest token
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Keep the smallest set of tokens whose probabilities add up to this
    #[arg(long)]
    top_p: Option<f32>,
    /// Answer at the same time where all fit into memory; speeds are lower than each could have
    #[arg(long)]
    together: bool,
}

/// What to measure.
#[derive(Args)]
struct FidelityArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// A text file in UTF-8 [default: two chapters of Alice's Adventures in Wonderland]
    text: Option<PathBuf>,
    /// What the others of its model are compared with: `full`, a precision, `MODEL:FORMAT`, or a file's SHA-256
    #[arg(long, default_value = "full", value_name = "FILE")]
    reference: SideChoice,
    /// Which to compare, such as `q8_0,q4_0` [default: all]
    #[arg(long, value_delimiter = ',', value_name = "PRECISIONS")]
    precisions: Vec<Precision>,
    /// Most windows of 512 tokens to score [default: the whole text]
    #[arg(long, value_name = "WINDOWS")]
    windows: Option<u32>,
}

/// How to mine.
#[derive(Args)]
struct MineArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Mine for this router, such as `wss://router.example/node/v1` [default: the settings, or the embedded practice network]
    #[arg(long, value_name = "URL")]
    router: Option<String>,
    /// Where the embedded router listens [default: the settings, or 127.0.0.1:5010]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Passphrase of the key's file, where no keychain runs
    #[arg(long, env = "CORTENSOR_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
}

/// What to withdraw.
#[derive(Args)]
struct WithdrawArguments {
    /// How many practice credits [default: all that are final]
    #[arg(long, value_name = "CREDITS")]
    amount: Option<Amount>,
    /// Where to [default: the payout address of the settings]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// The router, if no miner runs here [default: the settings, or the embedded practice network]
    #[arg(long, value_name = "URL")]
    router: Option<String>,
    /// Passphrase of the key's file, where no keychain runs
    #[arg(long, env = "CORTENSOR_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
}

/// How to route.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
struct RouterArguments {
    #[command(subcommand)]
    command: Option<RouterCommand>,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:5010", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Prices, cut-offs and deadlines (TOML) [default: built in]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The operator's key, `op-` and letters and digits [default: made at the first start and kept in the data folder]
    #[arg(long, env = "CORTENSOR_OPERATOR_KEY", hide_env_values = true, value_name = "KEY")]
    operator_key: Option<String>,
}

/// What can be asked of a router's files.
#[derive(Subcommand)]
enum RouterCommand {
    /// Add the ledger up, whether the router runs or not; ends with 1 if it has a fault
    VerifyLedger {
        /// The router's database [default: the one in the data folder]
        #[arg(long, value_name = "FILE")]
        database: Option<PathBuf>,
    },
    /// Check a statement of a withdrawal, from whatever router; ends with 1 if it is not what was signed
    VerifyStatement {
        /// The statement
        file: PathBuf,
        /// Address of the router's key, as its GET /api/v1/withdrawals says it
        #[arg(long, value_name = "ADDRESS")]
        signer: Option<NodeAddress>,
    },
}

/// How to validate.
#[derive(Args)]
struct ValidatorArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The router
    #[arg(long, default_value = "http://127.0.0.1:5010", value_name = "URL")]
    router: String,
    /// The key that `cortensor router` prints for its validators (vk-...)
    #[arg(long, env = "CORTENSOR_VALIDATOR_KEY", hide_env_values = true)]
    key: String,
    /// The folder of all-MiniLM-L6-v2, to compare sampled answers by meaning; without it this validator does not
    #[arg(long, env = "CORTENSOR_MEANING_MODEL", value_name = "FOLDER")]
    meaning_model: Option<PathBuf>,
    /// Most tokens of prompt and answer together; longer answers are left out
    #[arg(long, default_value_t = 4096, value_name = "TOKENS")]
    context: u32,
}

impl Common {
    fn folders(&self) -> Result<Folders, cortensor_app::FoldersError> {
        Folders::chosen(self.data.clone(), self.name.clone())
    }
}

fn main() -> ExitCode {
    if let Some(code) = threads::instead() {
        return code;
    }
    let cli = Cli::parse();
    // Folders that cannot be found are told of by whoever needs them.
    if let Ok(folders) = cli.common.folders() {
        // SAFETY: nothing has started a thread yet.
        unsafe { threads::hold(&folders) };
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report::failure(&error),
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => report::failure(error.as_ref()),
    }
}

async fn run(cli: Cli) -> Outcome {
    let common = &cli.common;
    match cli.command {
        Command::Mine(arguments) => mine::mine(common, arguments).await,
        Command::Router(RouterArguments { command: Some(RouterCommand::VerifyLedger { database }), .. }) => {
            verify_ledger::verify(common, database).await
        }
        Command::Router(RouterArguments { command: Some(RouterCommand::VerifyStatement { file, signer }), .. }) => {
            withdraw::verify(common, &file, signer)
        }
        Command::Router(arguments) => router::route(common, arguments).await,
        Command::Validator(arguments) => validator::validate(common, arguments).await,
        Command::Status => client::status(common).await,
        Command::Nodes => nodes::nodes(common).await,
        Command::Earnings { limit } => client::earnings(common, limit).await,
        Command::Why => client::why(common).await,
        Command::Withdraw(arguments) => withdraw::withdraw(common, arguments).await,
        Command::Mode { mode } => client::mode(common, mode).await,
        Command::Pause { length } => client::pause(common, length.unwrap_or_default()).await,
        Command::Resume => client::tell(common, "resume", &json!({}), "taking tasks again").await,
        Command::Retry => client::retry(common).await,
        Command::Pair(arguments) => pair::pair(common, &arguments).await,
        Command::Quit => client::tell(common, "quit", &json!({}), "stopped").await,
        Command::Bench(arguments) => bench::bench(common, arguments).await,
        Command::Compare(arguments) => compare::compare(common, arguments).await,
        Command::Fidelity(arguments) => fidelity::fidelity(common, arguments).await,
        Command::Doctor(arguments) => doctor::doctor(common, &arguments).await,
        Command::Diagnosis { file } => diagnosis::diagnosis(common, &file).await,
        Command::Key(arguments) => key::key(common, arguments).await,
        Command::Models(arguments) => models::models(common, arguments).await,
        Command::Remove(arguments) => remove::remove(common, arguments).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
