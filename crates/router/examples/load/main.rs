//! How much a router carries: simulated nodes on real sockets, clients that do not wait for each other, and the real
//! router in a process of its own with its own database. More nodes and more tasks a second come step by step until
//! the 99th percentile of dispatch (from when a request was due until its node has the task) is over 50 ms.
//!
//! `load report [--program CORTENSOR] [NODES...]`: how many nodes at each stage; the router is that of CORTENSOR, or else
//! this crate's own.
//! `load nodes URL COUNT`: simulated nodes for a router that runs already, until the connections end.
//!
//! Prints, asserts nothing. Processor time is read from `/proc`, so on Linux only.

mod arrivals;
mod machine;
mod node;
mod process;
mod serve;
mod stage;

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::task::JoinSet;

use self::{arrivals::Clients, node::Board, process::RouterProcess, stage::Stage};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const NODES: [usize; 4] = [100, 300, 1000, 3000];
const USAGE: &str = "usage: load report [--program CORTENSOR] [NODES...] | load nodes URL COUNT";

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("report") => {
            let mut arguments: Vec<String> = arguments.collect();
            let named = arguments.first().is_some_and(|first| first == "--program") && arguments.len() > 1;
            let program = if named { arguments.drain(..2).nth(1).map(PathBuf::from) } else { None };
            let nodes: Vec<usize> = arguments.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
            report(program.as_deref(), if nodes.is_empty() { NODES.to_vec() } else { nodes }).await
        }
        Some("nodes") => {
            let url = arguments.next().ok_or(USAGE)?;
            serve(&url, arguments.next().ok_or(USAGE)?.parse()?).await
        }
        Some("router") => {
            let (folder, policy) = (arguments.next().ok_or(USAGE)?, arguments.next().ok_or(USAGE)?);
            serve::route(folder.as_ref(), policy.as_ref()).await
        }
        Some("echo") => machine::echo().await,
        _ => Err(USAGE.into()),
    }
}

async fn serve(url: &str, count: usize) -> Outcome<()> {
    let mut nodes = JoinSet::new();
    node::join(&mut nodes, url, count, &Arc::new(Board::new())).await?;
    println!("{count} nodes are ready");
    while nodes.join_next().await.is_some() {}
    Ok(())
}

async fn report(program: Option<&Path>, stages: Vec<usize>) -> Outcome<()> {
    machine::open_more_files()?;
    let folder = tempfile::tempdir()?;
    machine::limits(folder.path()).await?;
    let router = RouterProcess::start(program, folder.path()).await?;
    let board = Arc::new(Board::new());
    let clients = Clients::new(&router, Arc::clone(&board));
    let (mut nodes, mut rate, mut held) = (JoinSet::new(), stage::FIRST_RATE, Vec::new());
    for wanted in stages {
        let stage = Stage { router: &router, clients: &clients };
        let joined = stage.join(&mut nodes, wanted, &board).await?;
        let best = stage.climb(nodes.len(), rate).await?;
        rate = best.as_ref().map_or(stage::FIRST_RATE, |best| best.rate / stage::STEP_BACK);
        held.push((nodes.len(), joined, best));
    }
    stage::summary(&held);
    println!("{}", router.stop().await?);
    Ok(())
}
