//! What is to be deleted, as options say or whoever is asked.

use std::{
    io::{BufRead, Write as _},
    path::PathBuf,
};

use cortensor_app::{RemovalChoice, RemovalKey, RemovalPart, RemovalPlan};

use super::{RemoveArguments, RemoveError, show::bytes_in_words};

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) choice: RemovalChoice,
    /// Where the key is saved before anything is deleted.
    pub(super) save_key: Option<PathBuf>,
}

impl Answers {
    /// What options say, and for the rest the defaults.
    pub(super) fn by_default(arguments: &RemoveArguments, plan: &RemovalPlan) -> Self {
        let mut choice = plan.defaults();
        for part in [RemovalPart::Models, RemovalPart::Earnings] {
            if let Some(deletes) = arguments.said(part) {
                set(&mut choice, part, deletes);
            }
        }
        if let Some(end) = &arguments.delete_key {
            choice.delete.push(RemovalPart::Key);
            choice.address_end = Some(end.clone());
        }
        Self { choice, save_key: arguments.save_key.clone() }
    }

    /// The same, but for what options do not say somebody is asked. Nothing: they do not want it after all.
    pub(super) fn ask(
        arguments: &RemoveArguments,
        plan: &RemovalPlan,
        from: &mut impl BufRead,
    ) -> Result<Option<Self>, RemoveError> {
        let mut answers = Self::by_default(arguments, plan);
        for part in [RemovalPart::Models, RemovalPart::Earnings] {
            let Some(item) = plan.item(part).filter(|_| arguments.said(part).is_none()) else { continue };
            let question = format!("Delete {} ({})?", part.words(), bytes_in_words(item.bytes));
            let deletes = yes(&question, item.deletes, from)?;
            set(&mut answers.choice, part, deletes);
        }
        if let Some(key) = plan.key.filter(|_| !arguments.keep_key && arguments.delete_key.is_none()) {
            answers.ask_for_key(key, from)?;
        }
        Ok(yes("Remove the miner now?", false, from)?.then_some(answers))
    }

    fn ask_for_key(&mut self, key: RemovalKey, from: &mut impl BufRead) -> Result<(), RemoveError> {
        let copy = key.copy_in_words();
        let question = format!("Delete the node's key, with which alone its earnings can be withdrawn ({copy})?");
        if !yes(&question, false, from)? {
            return Ok(());
        }
        if self.save_key.is_none() {
            let file = answer("Save it into an encrypted file first (name of the file, or enter for none):", from)?;
            self.save_key = (!file.is_empty()).then(|| PathBuf::from(file));
        }
        let typed = answer(
            &format!("To delete the key of {}, type the last four characters of this address:", key.address),
            from,
        )?;
        if !key.is_end(&typed) {
            return Err(RemoveError::NotConfirmed);
        }
        self.choice.delete.push(RemovalPart::Key);
        self.choice.address_end = Some(typed);
        Ok(())
    }
}

impl RemoveArguments {
    /// What an option says of a part: whether it is deleted.
    fn said(&self, part: RemovalPart) -> Option<bool> {
        let (keep, delete) = match part {
            RemovalPart::Models => (self.keep_models, self.delete_models),
            RemovalPart::Earnings => (self.keep_earnings, self.delete_earnings),
            _ => (false, false),
        };
        (keep || delete).then_some(delete)
    }
}

fn set(choice: &mut RemovalChoice, part: RemovalPart, deletes: bool) {
    choice.delete.retain(|other| *other != part);
    if deletes {
        choice.delete.push(part);
    }
}

/// Asks until the answer is one; none at all is `default`.
fn yes(question: &str, default: bool, from: &mut impl BufRead) -> Result<bool, RemoveError> {
    let question = format!("{question} [{}]", if default { "Y/n" } else { "y/N" });
    loop {
        match answer(&question, from)?.to_lowercase().as_str() {
            "" => return Ok(default),
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => {}
        }
    }
}

fn answer(question: &str, from: &mut impl BufRead) -> Result<String, RemoveError> {
    print!("{question} ");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    match from.read_line(&mut line) {
        Ok(length) if length > 0 => Ok(line.trim().to_owned()),
        _ => Err(RemoveError::NoAnswer),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use cortensor_app::{ProgramRemoval, RemovalItem};
    use cortensor_node::KeyPlace;

    use super::*;

    const ADDRESS: &str = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: RemoveArguments,
    }

    fn plan() -> RemovalPlan {
        let item = |part, deletes| RemovalItem { part, bytes: 5_000_000, count: 1, deletes };
        RemovalPlan {
            folder: PathBuf::from("/data"),
            items: vec![
                item(RemovalPart::Models, true),
                item(RemovalPart::Logs, true),
                item(RemovalPart::Earnings, false),
                item(RemovalPart::Key, false),
            ],
            key: Some(RemovalKey { address: ADDRESS.parse().unwrap(), place: KeyPlace::Keychain, saved_at: None }),
            earnings: None,
            unknown: Vec::new(),
            nodes: Vec::new(),
            program: ProgramRemoval::WindowsSettings,
        }
    }

    fn ask(options: &[&str], answers: &str) -> Result<Option<Answers>, RemoveError> {
        let line = Line::parse_from(["remove"].iter().chain(options));
        Answers::ask(&line.arguments, &plan(), &mut answers.as_bytes())
    }

    #[test]
    fn what_is_answered_or_said_by_options_is_deleted_and_nothing_else() {
        use RemovalPart::{Earnings, Key, Logs, Models};
        for (options, answers, deleted) in [
            (vec![], "\n\n\ny\n", vec![Logs, Models]),
            (vec![], "n\n\n\ny\n", vec![Logs]),
            (vec![], "maybe\nn\ny\nn\ny\n", vec![Logs, Earnings]),
            (vec![], "\n\ny\n\n5C23\ny\n", vec![Logs, Models, Key]),
            (vec!["--keep-models", "--delete-earnings", "--keep-key"], "y\n", vec![Logs, Earnings]),
            (vec!["--delete-models", "--keep-earnings", "--delete-key", "5c23"], "y\n", vec![Logs, Models, Key]),
        ] {
            let mut wanted = ask(&options, answers).unwrap().expect("it is wanted").choice.delete;
            wanted.sort_by_key(|part| deleted.iter().position(|other| other == part));
            assert_eq!(wanted, deleted, "{options:?} {answers:?}");
        }
    }

    #[test]
    fn whoever_does_not_say_yes_to_the_end_removes_nothing() {
        assert_eq!(ask(&[], "y\ny\nn\n\n").unwrap(), None);
        assert!(matches!(ask(&[], "y\ny\n").unwrap_err(), RemoveError::NoAnswer));
        assert!(matches!(ask(&[], "y\ny\ny\n\n5c24\n").unwrap_err(), RemoveError::NotConfirmed));
    }

    #[test]
    fn a_key_is_saved_where_whoever_deletes_it_says() {
        let answers = ask(&[], "\n\ny\nkey.json\n5c23\ny\n").unwrap().unwrap();
        assert_eq!(answers.save_key, Some(PathBuf::from("key.json")));
    }
}
