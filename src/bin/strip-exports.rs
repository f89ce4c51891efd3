//! Removes the exports that the filter does not use from a linked module, and the code that only they reach:
//! `strip-exports IN OUT`. An export `before_NAME` replaces the export `NAME`.
//!
//! The SDK exports every callback of proxy-wasm, and Envoy calls each callback that a module exports: for each request,
//! response, body chunk and log line. The linker has no flag that removes an export.

use std::process::ExitCode;

use walrus::Module;

/// The exports of the shipped module. The SDK frees its contexts in `proxy_on_delete`.
const KEEP: [&str; 10] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_request_headers",
    "proxy_on_tick",
    "proxy_on_delete",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [input, output] => strip(input, output),
        _ => Err("usage: strip-exports IN OUT".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strip-exports: {error}");
            ExitCode::FAILURE
        }
    }
}

fn strip(input: &str, output: &str) -> Result<(), String> {
    let mut module = Module::from_file(input).map_err(|error| format!("{input}: {error:#}"))?;
    if let Some(missing) = KEEP.iter().find(|wanted| !module.exports.iter().any(|export| export.name == **wanted)) {
        return Err(format!("{input}: has no export \"{missing}\""));
    }
    let before: Vec<_> = module
        .exports
        .iter()
        .filter_map(|export| Some((export.id(), export.name.strip_prefix("before_")?.to_owned())))
        .collect();
    for (export, name) in before {
        module.exports.remove(&name).map_err(|error| format!("{input}: {error:#}"))?;
        module.exports.get_mut(export).name = name;
    }
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| !KEEP.contains(&export.name.as_str()))
        .map(|export| export.id())
        .collect();
    for export in unused {
        module.exports.delete(export);
    }
    walrus::passes::gc::run(&mut module);
    module.emit_wasm_file(output).map_err(|error| format!("{output}: {error:#}"))
}
