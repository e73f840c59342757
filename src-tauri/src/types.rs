//! The interface's TypeScript types, written from the Rust ones.

#![cfg(test)]

use std::{any::TypeId, collections::BTreeMap, fmt::Write, fs, path::Path};

use ts_rs::{Config, TS, TypeVisitor};

use crate::commands;

const HEAD: &str = "// Written from the Rust types by `./dev types`: change those.\n";

/// Declarations by name, of a type and of everything in it.
struct Declarations<'a> {
    config: &'a Config,
    seen: Vec<TypeId>,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if self.seen.contains(&TypeId::of::<T>()) {
            return;
        }
        self.seen.push(TypeId::of::<T>());
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            self.found.insert(T::ident(self.config), format!("{docs}export {}\n", T::decl(self.config)));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn types(config: &Config) -> String {
    let mut declarations = Declarations { config, seen: Vec::new(), found: BTreeMap::new() };
    commands::visit(&mut declarations);
    let declared: Vec<String> = declarations.found.into_values().collect();
    format!("{HEAD}\n{}", declared.join("\n"))
}

fn signatures(config: &Config) -> String {
    let mut text = format!("{HEAD}\nimport type {{ Channel }} from \"@tauri-apps/api/core\";\n\nimport type {{\n");
    let members: Vec<String> = commands::other_signatures().into_iter().chain(commands::signatures(config)).collect();
    let mut declarations = Declarations { config, seen: Vec::new(), found: BTreeMap::new() };
    commands::visit(&mut declarations);
    let used = declarations.found.into_keys().filter(|name| members.iter().any(|member| mentions(member, name)));
    let _ = writeln!(text, "  {},\n}} from \"./types\";\n", used.collect::<Vec<_>>().join(",\n  "));
    text.push_str("type Nothing = Record<string, never>;\n\n");
    text.push_str(
        "/** The window's commands: what each is given and what it answers with. */\nexport interface Commands {\n",
    );
    members.iter().for_each(|member| {
        let _ = writeln!(text, "  {member}");
    });
    text + "}\n"
}

/// Whether a name stands in a text as a word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == name)
}

#[test]
fn the_interface_has_the_types_of_the_commands() {
    let config = Config::default().with_large_int("number");
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/lib/host");
    for (file, text) in [("types.ts", types(&config)), ("commands.ts", signatures(&config))] {
        let path = host.join(file);
        if std::env::var_os("WRITE_TYPES").is_some() {
            fs::write(&path, text).unwrap();
        } else {
            assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "{file} is not true: run `./dev types`");
        }
    }
}
