//! Calibrates the audit on one half of the answers and tries it on the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use cortensor_fidelity::{Audit, Calibration, Figures, Scale, Verdict};
use cortensor_protocol::Precision;
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde::Serialize;

use super::{Failure, Seen};

/// Orders in which the answers of one half may come.
const ORDERS: u64 = 400;
/// Margins that rounding decides, and those that count in full, in nats.
const SCALE: Scale = Scale { tie: 0.05, clear: 1.0 };
/// Clear mismatches that honest answers may have beyond those that were seen: with none among n tokens, the true rate is
/// below 3/n with 95 % confidence.
const UNSEEN: f64 = 3.0;
const ERROR_RATE: f64 = 1e-3;

/// What came of one claim.
#[derive(Serialize)]
struct Row {
    claimed: Precision,
    by: String,
    answers: usize,
    tokens: usize,
    /// Share of tokens that the reference would have chosen too, ties counted.
    same: f64,
    mean_score: f64,
    /// Share of orders in which the audit accused.
    accused: f64,
    /// Share in which it found the claim consistent.
    consistent: f64,
    /// Tokens until the verdict: the median, and what 95 of 100 orders needed at most.
    median: Option<u64>,
    most: Option<u64>,
}

pub(crate) fn report(margins: &Path, json: bool) -> Result<(), Failure> {
    let seen: Result<Vec<Seen>, Failure> =
        BufReader::new(File::open(margins)?).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect();
    let seen = seen?;
    let claims: Vec<Precision> = seen.iter().map(|one| one.claimed).collect::<BTreeSet<_>>().into_iter().collect();
    let mut rows = Vec::new();
    for claimed in claims {
        let of_claim: Vec<&Seen> = seen.iter().filter(|one| one.claimed == claimed).collect();
        rows.extend(judge(claimed, &of_claim, json)?);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print(&rows);
    }
    Ok(())
}

/// Every poser's answers to one claim, judged by an audit that was calibrated on other answers.
fn judge(claimed: Precision, seen: &[&Seen], quiet: bool) -> Result<Vec<Row>, Failure> {
    let mut by = BTreeMap::<&str, (Vec<&Seen>, Vec<&Seen>)>::new();
    for one in seen {
        let (first, second) = by.entry(&one.by).or_default();
        // In turn, so that both halves have every kind of prompt and every condition.
        if first.len() <= second.len() { first.push(one) } else { second.push(one) }
    }
    let honest = claimed.to_string();
    let calibration = calibrate(&honest, &by)?;
    if !quiet {
        println!(
            "\n{claimed} claimed: honest mean score up to {:.5}, lies from {:.5}",
            calibration.figures().honest_mean,
            calibration.figures().lie_mean
        );
    }
    Ok(by.iter().map(|(by, (_, tried))| try_out(claimed, by, tried, calibration, **by == honest)).collect())
}

fn calibrate(honest: &str, by: &BTreeMap<&str, (Vec<&Seen>, Vec<&Seen>)>) -> Result<Calibration, Failure> {
    let sum = |seen: &[&Seen]| seen.iter().flat_map(|one| &one.margins).map(|margin| SCALE.score(*margin)).sum::<f64>();
    let count = |seen: &[&Seen]| seen.iter().map(|one| one.margins.len()).sum::<usize>() as f64;
    let (first, _) = by.get(honest).ok_or("nobody answered honestly")?;
    let lies = by.iter().filter(|(name, _)| **name != honest).map(|(_, (first, _))| sum(first) / count(first));
    let nearest = lies.reduce(f64::min).ok_or("nobody lied")?;
    let honest_mean = (sum(first) + UNSEEN) / count(first);
    // Half of it, so that a lie that is somewhat nearer on other prompts is still one.
    let lie_mean = (nearest / 2.0).max(honest_mean * 1.5);
    let (false_alarm, missed_lie) = (ERROR_RATE, ERROR_RATE);
    Ok(Calibration::new(Figures { scale: SCALE, honest_mean, lie_mean, false_alarm, missed_lie })?)
}

fn try_out(claimed: Precision, by: &str, tried: &[&Seen], calibration: Calibration, honest: bool) -> Row {
    let margins: Vec<f64> = tried.iter().flat_map(|one| one.margins.iter().copied()).collect();
    let tokens = margins.len();
    let mut verdicts = Vec::new();
    for order in 0..ORDERS {
        let mut answers = tried.to_vec();
        answers.shuffle(&mut StdRng::seed_from_u64(order));
        verdicts.push(audit(calibration, answers.iter().flat_map(|one| &one.margins), honest));
    }
    let share = |verdict| verdicts.iter().filter(|(one, _)| *one == verdict).count() as f64 / ORDERS as f64;
    let wanted = if honest { Verdict::Consistent } else { Verdict::NotWhatItClaims };
    let mut needed: Vec<u64> =
        verdicts.iter().map(|(verdict, tokens)| if *verdict == wanted { *tokens } else { u64::MAX }).collect();
    needed.sort_unstable();
    let at = |share: usize| needed.get(needed.len() * share / 100).copied().filter(|tokens| *tokens < u64::MAX);
    Row {
        claimed,
        by: by.to_owned(),
        answers: tried.len(),
        tokens,
        same: margins.iter().filter(|margin| **margin <= SCALE.tie).count() as f64 / tokens as f64,
        mean_score: margins.iter().map(|margin| SCALE.score(*margin)).sum::<f64>() / tokens as f64,
        accused: share(Verdict::NotWhatItClaims),
        consistent: share(Verdict::Consistent),
        median: at(50),
        most: at(95),
    }
}

/// The verdict and how many tokens it took. An honest node is looked at to the end: it must not be accused later either.
fn audit<'a>(calibration: Calibration, margins: impl Iterator<Item = &'a f64>, honest: bool) -> (Verdict, u64) {
    let mut audit = Audit::new(calibration);
    let mut decided = None;
    for margin in margins {
        audit.observe(*margin);
        if audit.verdict() != Verdict::AskMore && decided.is_none() {
            decided = Some(audit.evidence().tokens);
            if !honest {
                break;
            }
        }
    }
    (audit.verdict(), decided.unwrap_or(audit.evidence().tokens))
}

fn print(rows: &[Row]) {
    println!(
        "\n| claimed | answered by | answers | tokens | same token | mean score | accused | consistent | tokens to the verdict, median | 95 of 100 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let tokens = |tokens: Option<u64>| tokens.map_or_else(|| "more".to_owned(), |tokens| tokens.to_string());
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {:.2} % | {:.5} | {:.1} % | {:.1} % | {} | {} |",
            row.claimed,
            row.by,
            row.answers,
            row.tokens,
            row.same * 100.0,
            row.mean_score,
            row.accused * 100.0,
            row.consistent * 100.0,
            tokens(row.median),
            tokens(row.most)
        );
    }
}
