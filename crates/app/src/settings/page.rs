//! The table of settings in the docs, written from the settings themselves.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use ts_rs::{Config, TS, TypeVisitor};

use super::{RANGES, Settings};

const HEAD: &str = "| setting | what it is | default | least to most |\n|---|---|---|---|\n";

/// The fields of a struct: name, what is said of it, and the name of its type.
type Fields = Vec<(String, String, String)>;

/// The structs in the settings, by the name of their types.
#[derive(Default)]
struct Structs(BTreeMap<String, Fields>);

impl TypeVisitor for Structs {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_some() {
            let config = Config::default().with_large_int("number");
            // A choice has none.
            let fields = Some(fields(&T::decl(&config))).filter(|fields| !fields.is_empty());
            self.0.extend(fields.map(|fields| (T::ident(&config), fields)));
        }
    }
}

/// The fields of a declaration as it is written for the interface: comments, then `name: type,`.
fn fields(declaration: &str) -> Fields {
    let (mut found, mut said) = (Vec::new(), String::new());
    for line in declaration.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("* ") {
            said = format!("{said} {words}").trim().to_owned();
        } else if let Some((name, kind)) = line.split_once(": ") {
            let kind = kind.trim_end_matches([',', '}', ';', ' ']).to_owned();
            found.push((name.trim_end_matches('?').to_owned(), std::mem::take(&mut said), kind));
        }
    }
    found
}

fn table() -> String {
    let mut structs = Structs::default();
    structs.visit::<Settings>();
    Settings::visit_dependencies(&mut structs);
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    HEAD.to_owned() + &rows(&structs, "Settings", "", &defaults)
}

fn rows(structs: &Structs, of: &str, prefix: &str, defaults: &Value) -> String {
    let mut written = String::new();
    for (name, said, kind) in &structs.0[of] {
        let (full, default) = (format!("{prefix}{name}"), &defaults[name]);
        written += &if structs.0.contains_key(kind) {
            rows(structs, kind, &format!("{full}."), default)
        } else {
            row(&full, said, default)
        };
    }
    written
}

fn row(name: &str, said: &str, default: &Value) -> String {
    let default = if default.is_null() { String::new() } else { format!("`{default}`") };
    let range = RANGES.iter().find(|(ranged, ..)| *ranged == name);
    let range = range.map(|(_, least, most)| format!("{least} to {most}")).unwrap_or_default();
    format!("| `{name}` | {said} | {default} | {range} |\n")
}

#[test]
fn the_page_of_the_settings_has_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, found) = page.split_once(HEAD).unwrap_or((&page, ""));
    let table = table();
    if std::env::var_os("WRITE_TYPES").is_some() {
        fs::write(&path, format!("{before}{table}")).unwrap();
    } else {
        assert_eq!(format!("{HEAD}{found}"), table, "docs/settings.md is not true: run `./dev types`");
    }
}

#[test]
fn every_default_and_every_range_has_its_row() {
    let table = table();
    let Value::Object(defaults) = serde_json::to_value(Settings::default()).unwrap() else { panic!("it is a struct") };
    let leaves = defaults.iter().flat_map(|(name, value)| match value {
        Value::Object(inner) => inner.keys().map(|inner| format!("{name}.{inner}")).collect(),
        _ => vec![name.clone()],
    });
    for name in leaves.chain(RANGES.map(|(name, ..)| name.to_owned())) {
        assert!(table.contains(&format!("| `{name}` | ")), "{name}: {table}");
    }
}
