//! The dependencies of the module, which every Envoy worker loads, and those of the command-line tool.

use std::collections::BTreeSet;
use std::process::Command;

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
const NATIVE: &str = "cfg(not(target_arch = \"wasm32\"))";

/// Dependencies that Cargo.toml declares for native targets only, and that the module has all the same.
pub fn shared_with_module() -> Vec<String> {
    let manifest = std::fs::read_to_string(MANIFEST).expect("Cargo.toml is readable");
    let manifest: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let common = names(&manifest["dependencies"]);
    let native = names(&manifest["target"][NATIVE]["dependencies"]);
    let in_module = dependencies_of_module();
    native.difference(&common).filter(|name| in_module.contains(*name)).cloned().collect()
}

fn names(table: &toml::Value) -> BTreeSet<String> {
    table.as_table().expect("dependencies are a table").keys().cloned().collect()
}

/// All packages that the module is built from, by name.
fn dependencies_of_module() -> BTreeSet<String> {
    let arguments = ["tree", "--quiet", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--target", "wasm32-wasip1", "--manifest-path", MANIFEST])
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let names: BTreeSet<String> = lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.contains("serde_json"), "the module is built from: {names:?}");
    names
}
