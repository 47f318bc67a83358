//! The separation that the design asks for, held: pure modules do no IO and know no clock, and each knows
//! only the modules below it. Reads the sources as text, so it sees names, not what is behind a macro.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each pure module and those it may use, lowest first.
const PURE: &[(&str, &[&str])] = &[
    ("causes", &[]),
    ("model", &[]),
    ("api", &["model"]),
    ("manifest", &["api", "model"]),
    ("trust", &["model"]),
    ("token", &["api", "model"]),
    ("bundle", &["model", "token"]),
    ("compile", &["api", "bundle", "model", "token"]),
    ("engine", &["bundle", "model", "token"]),
    ("exchange", &["causes", "engine", "model", "token"]),
    ("route", &["model", "token"]),
    ("registry", &["bundle", "model", "token"]),
];

/// Each module that does IO, and those that it may not use.
const IMPURE_MODULES: &[(&str, &[&str])] = &[
    ("process", &["flags", "kubeconfig", "fetch", "operator", "gateway", "cli"]),
    ("peers", &["kubeconfig", "fetch", "operator", "gateway", "cli"]),
    ("endpoints", &["kubeconfig", "fetch", "operator", "gateway", "cli"]),
    ("flags", &["kubeconfig", "fetch", "operator", "gateway", "cli"]),
    ("folder", &["kubeconfig", "fetch", "operator", "gateway", "cli"]),
    ("kubeconfig", &["fetch", "operator", "gateway", "cli"]),
    ("fetch", &["operator", "gateway", "cli"]),
    ("watched", &["kubeconfig", "fetch", "operator", "gateway", "cli"]),
    ("operator", &["gateway", "cli"]),
    ("gateway", &["operator", "cli"]),
    ("cli", &[]),
];

/// What a pure module may not name: IO, time, environment, randomness, waiting.
const IMPURE: &[&str] = &[
    "async fn",
    "async move",
    ".await",
    "tokio",
    "std::env",
    "std::fs",
    "std::io",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "TcpStream",
    "UdpSocket",
    "ToSocketAddrs",
    "kube::Client",
    "kube::Api",
    "kube::client",
    "kube::runtime",
    "kube_runtime",
    "reqwest",
    "axum",
    "hyper",
    "SystemRandom",
    "RandomState",
    "fastrand",
    "Mutex",
    "RwLock",
    "static mut",
    "println!",
    "eprintln!",
    "tracing",
];

/// The product's own lines of a module: neither its tests nor its comments.
fn product_lines(module: &str) -> Vec<(PathBuf, usize, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root.join(module), &mut files);
    let single = root.join(module).with_extension("rs");
    files.extend(single.is_file().then_some(single));
    files.into_iter().flat_map(|file| lines_of(&file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let of_tests =
            name == "tests" || name == "tests.rs" || name == "testing.rs" || name.ends_with("_tests.rs");
        match path.is_dir() {
            _ if of_tests => {}
            true => collect(&path, files),
            false if name.ends_with(".rs") => files.push(path),
            false => {}
        }
    }
}

fn lines_of(file: &Path) -> Vec<(PathBuf, usize, String)> {
    let text = fs::read_to_string(file).unwrap();
    let product = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let numbered = product.lines().enumerate().map(|(at, line)| (at + 1, line.split("//").next().unwrap()));
    numbered.map(|(at, line)| (file.to_owned(), at, line.to_owned())).collect()
}

#[test]
fn pure_modules_do_no_io_and_know_no_clock() {
    let found: Vec<_> = PURE
        .iter()
        .flat_map(|(module, _)| product_lines(module))
        .flat_map(|(file, at, line)| {
            let named = IMPURE.iter().filter(move |word| line.contains(**word));
            named.map(move |word| format!("{}:{at}: {word}", file.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn pure_modules_use_only_those_below_them() {
    let wrong: Vec<_> =
        PURE.iter().flat_map(|(module, below)| uses(module, |used| !below.contains(&used))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn operator_and_gateway_do_not_know_each_other_and_what_they_share_knows_neither() {
    let wrong: Vec<_> =
        IMPURE_MODULES.iter().flat_map(|(module, not)| uses(module, |used| not.contains(&used))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Where a module uses another one that is wrong for it.
fn uses(module: &str, is_wrong: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (file, at, line) in product_lines(module) {
        for used in line.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !used.is_empty() && used != module && is_wrong(&used) {
                found.insert(format!("{}:{at}: `{module}` uses `{used}`", file.display()));
            }
        }
    }
    found
}

#[test]
fn every_module_of_the_library_is_pure_by_this_table_or_known_to_do_io() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")).map(|m| m.trim_end_matches(';'));
    let known: Vec<_> = PURE
        .iter()
        .map(|(module, _)| *module)
        .chain(IMPURE_MODULES.iter().map(|(module, _)| *module))
        .collect();
    let unknown: Vec<_> = modules.filter(|m| !known.contains(m)).collect();
    assert!(unknown.is_empty(), "put {unknown:?} into the table");
}

#[test]
fn every_source_file_opens_by_saying_what_it_decides() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let silent: Vec<_> =
        files.iter().filter(|f| !fs::read_to_string(f).unwrap().starts_with("//!")).collect();
    assert!(silent.is_empty(), "{silent:?}");
}
