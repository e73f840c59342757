//! `cortensor nodes`: every node of this user on this machine.

use std::process::ExitCode;

use cortensor_app::{NodeName, NodeView, nodes as all_nodes};

use crate::{Common, Outcome};

/// Lists them. What asks for one node has no say in which there are.
pub(crate) async fn nodes(common: &Common) -> Outcome {
    let found = all_nodes(&common.folders()?).await;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        lines(&found).iter().for_each(|line| say!("{line}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(found: &[NodeView]) -> Vec<String> {
    if found.is_empty() {
        return vec![
            "There is no node here yet. Start one with `cortensor mine`, another with `cortensor mine --name NAME`."
                .to_owned(),
        ];
    }
    let heading = row(["name", "address", "mode", "serves", "earned", "state"]);
    let only = (found.len() == 1).then(|| "Another one: `cortensor mine --name NAME`".to_owned());
    [heading].into_iter().chain(found.iter().map(line)).chain(only).collect()
}

fn line(node: &NodeView) -> String {
    let name = NodeName::in_list(node.name.as_ref());
    let address = node.address.map_or_else(none, |address| short(&address.to_string()));
    let mode = node.mode.map_or_else(none, |mode| mode.to_string());
    let precision = node.precision.map_or_else(none, |precision| precision.to_string());
    let earned = node.earned.map_or_else(none, |earned| earned.to_string());
    row([name, &address, &mode, &precision, &earned, &state(node)])
}

fn row([name, address, mode, serves, earned, state]: [&str; 6]) -> String {
    format!("{name:<16} {address:<14} {mode:<10} {serves:<7} {earned:>12}  {state}")
}

fn none() -> String {
    "-".to_owned()
}

/// Enough of an address to tell it from the others of one user.
fn short(address: &str) -> String {
    match (address.get(..6), address.get(address.len().saturating_sub(4)..)) {
        (Some(start), Some(end)) => format!("{start}…{end}"),
        _ => address.to_owned(),
    }
}

fn state(node: &NodeView) -> String {
    let Some(phase) = node.phase else { return "not running".to_owned() };
    let why = node.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    // The word for being offline says what is done about it; with a reason that is enough.
    let words = phase.words().split(':').next().unwrap_or_default();
    if why.is_empty() { phase.words().to_owned() } else { format!("{words}{why}") }
}

#[cfg(test)]
mod tests {
    use cortensor_app::Phase;
    use cortensor_protocol::{Amount, Mode, Precision};

    use super::*;

    fn node(name: Option<&str>) -> NodeView {
        NodeView {
            name: name.map(|name| name.parse().unwrap()),
            folder: "data".into(),
            address: None,
            phase: None,
            why: None,
            mode: None,
            model: None,
            precision: None,
            earned: None,
        }
    }

    #[test]
    fn a_node_is_a_line_and_where_there_is_none_it_is_said_how_to_make_one() {
        assert!(lines(&[]).concat().contains("cortensor mine --name NAME"));
        let mining = NodeView {
            address: Some("0x52908400098527886E0F7030069857D2E4169EE7".parse().unwrap()),
            phase: Some(Phase::Mining),
            mode: Some(Mode::Volume),
            precision: Some(Precision::Q8_0),
            earned: Some(Amount::ZERO),
            ..node(None)
        };
        let offline =
            NodeView { phase: Some(Phase::Offline), why: Some("nobody there".to_owned()), ..node(Some("rig-2")) };
        let lines = lines(&[mining.clone(), offline, node(Some("rig-3"))]);
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert_eq!(words(&lines[1]), "main 0x5290…9EE7 volume Q8_0 0.00 mining");
        assert_eq!(words(&lines[2]), "rig-2 - - - - offline: nobody there");
        assert_eq!(words(&lines[3]), "rig-3 - - - - not running");
        assert!(super::lines(&[mining]).last().unwrap().contains("--name NAME"), "one is told of a second");
    }
}
