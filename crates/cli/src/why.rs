//! Why nothing is earned, in words.

use cortensor_app::{Cause, Finding, Link, Why, WhyLink};

/// One line for each link, then what to fix first.
pub(crate) fn lines(why: &Why) -> Vec<String> {
    let mut lines = vec![format!("Earned in the last hour: {} credits", why.earned_last_hour)];
    lines.extend(why.links.iter().map(line));
    let first = why.links.iter().find_map(|one| match &one.finding {
        Finding::Cause { cause } => Some(format!("First: {}", to_do(cause))),
        _ => None,
    });
    lines.push(first.unwrap_or_else(|| "Nothing that is known is in the way.".to_owned()));
    lines
}

fn line(one: &WhyLink) -> String {
    let (mark, words) = match &one.finding {
        Finding::Fine => ("ok", String::new()),
        Finding::Unknown => ("?", "cannot be told now".to_owned()),
        Finding::Cause { cause } => ("!", in_words(cause)),
    };
    format!("  {mark:<3} {:<12} {words}", name(one.link)).trim_end().to_owned()
}

const fn name(link: Link) -> &'static str {
    match link {
        Link::Miner => "Miner",
        Link::Rules => "Rules",
        Link::Pause => "Pause",
        Link::Connection => "Connection",
        Link::Test => "Test",
        Link::Standing => "Level",
        Link::Demand => "Demand",
        Link::Pay => "Pay",
        Link::Plan => "Mode",
        Link::Electricity => "Electricity",
    }
}

fn in_words(cause: &Cause) -> String {
    match cause {
        Cause::Stopped => "the miner has stopped".to_owned(),
        Cause::Problem { message, .. } | Cause::Rejected { message, .. } => message.clone(),
        Cause::Passphrase => "the key's file waits for its passphrase".to_owned(),
        Cause::Starting { .. } => "the miner is starting".to_owned(),
        Cause::Measuring => "every precision is being measured".to_owned(),
        Cause::SteppingAside { reasons } => {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            format!("stepping aside: {}", reasons.join("; "))
        }
        Cause::Paused => "paused, by you or for a comparison".to_owned(),
        Cause::Connecting => "on the way to the router".to_owned(),
        Cause::Offline { reason, .. } => reason.clone(),
        Cause::Testing { tests: Some((done, all)) } => format!("{done} of {all} tests done"),
        Cause::Testing { tests: None } => "the network has not tested this miner yet".to_owned(),
        Cause::NotPassed { .. } => "the network's test was not passed".to_owned(),
        Cause::CoolDown { .. } => "passed tests do not count for a while".to_owned(),
        Cause::LowestLevel { .. } => "level 0: others come first".to_owned(),
        Cause::NoTasks { minutes } => format!("no task for {minutes} minutes"),
        Cause::Unpaid { unpaid, of, reason, .. } => format!("{unpaid} of {of} tasks were not paid: {reason}"),
        Cause::TakenBack { amount, reason, .. } => format!("{amount} was taken back: {reason}"),
        Cause::EarnsMore { mode, precision, amount, against } => {
            format!("{mode} ({precision}) is predicted at {amount} an hour, the present mode at {against}")
        }
        Cause::CostsMore { cost, worth, currency } => {
            format!("in 24 hours electricity for {cost} {currency}, earnings of {worth} {currency}")
        }
    }
}

fn to_do(cause: &Cause) -> String {
    match cause {
        Cause::Stopped => "start it with `cortensor mine`.".to_owned(),
        Cause::Problem { message, .. } | Cause::Rejected { message, .. } => format!("{message}."),
        Cause::Passphrase => "enter the passphrase where the miner was started.".to_owned(),
        Cause::Starting { .. } | Cause::Measuring | Cause::Connecting => "wait; it goes on by itself.".to_owned(),
        Cause::SteppingAside { .. } => {
            "it goes on by itself when that is over; `cortensor resume` mines all the same.".to_owned()
        }
        Cause::Paused => "`cortensor resume`.".to_owned(),
        Cause::Offline { .. } => {
            "check the connection and the router's address; it is tried again by itself.".to_owned()
        }
        Cause::Testing { .. } => "wait for the tests; they pay too.".to_owned(),
        Cause::NotPassed { next_step, .. }
        | Cause::CoolDown { next_step, .. }
        | Cause::LowestLevel { next_step, .. } => next_step.clone(),
        Cause::NoTasks { .. } => "nothing is wrong here: the network has no work for this model just now.".to_owned(),
        Cause::Unpaid { reason, .. } => {
            format!("see why tasks are not paid ({reason}); `cortensor earnings` lists them.")
        }
        Cause::TakenBack { reason, .. } => format!("an audit found against this miner ({reason})."),
        Cause::EarnsMore { mode, .. } => format!("`cortensor mode {mode}`."),
        Cause::CostsMore { .. } => "mine when electricity is cheaper, or with the mode that takes less.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::Amount;

    use super::*;

    #[test]
    fn every_link_has_a_line_and_the_first_cause_says_what_to_do() {
        let link = |link, finding| WhyLink { link, finding };
        let no_tasks = Finding::Cause { cause: Cause::NoTasks { minutes: 25 } };
        let why = Why {
            earned_last_hour: Amount::ZERO,
            links: vec![
                link(Link::Miner, Finding::Fine),
                link(Link::Demand, no_tasks),
                link(Link::Pay, Finding::Unknown),
            ],
            first: Some(Link::Demand),
        };
        let expected = [
            "Earned in the last hour: 0.00 credits",
            "  ok  Miner",
            "  !   Demand       no task for 25 minutes",
            "  ?   Pay          cannot be told now",
            "First: nothing is wrong here: the network has no work for this model just now.",
        ];
        assert_eq!(lines(&why), expected);
        let well = Why { links: vec![link(Link::Miner, Finding::Fine)], first: None, ..why };
        assert_eq!(lines(&well).last().unwrap(), "Nothing that is known is in the way.");
    }
}
