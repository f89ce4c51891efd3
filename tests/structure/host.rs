//! Only the filter knows its host: it alone names the SDK and declares foreign functions, and no module imports it. Only
//! `src/lib.rs`, which declares the filter, distinguishes targets.

use proc_macro2::{TokenStream, TokenTree};

use crate::imports::Import;
use crate::sources::Sources;

/// Imports of the module `filter` by the modules beside it.
pub fn imports_of_filter(imports: &[Import]) -> Vec<String> {
    let from_outside = imports.iter().filter(|import| import.to.is_in("filter") && !import.from.is_in("filter"));
    from_outside.map(|import| format!("{}:{}: {}", import.from.file, import.line, import.path)).collect()
}

/// Names of the SDK, declarations of foreign functions and conditions on the target in the files of `src/` outside of the
/// filter.
pub fn names(sources: &Sources) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in sources.iter() {
        if !path.starts_with("src/") || path.starts_with("src/filter/") || path == "src/filter.rs" {
            continue;
        }
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        find(tokens, &mut |line, name| {
            if name != "target_arch" || path != "src/lib.rs" {
                problems.push(format!("{path}:{line}: {name}"));
            }
        });
    }
    problems
}

/// Reports `proxy_wasm`, `target_arch`, and `extern` except in `extern crate`. The arguments of macros have no syntax tree,
/// so this function reads tokens.
fn find(tokens: TokenStream, report: &mut impl FnMut(usize, &str)) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => find(group.stream(), report),
            TokenTree::Ident(name) => {
                let line = name.span().start().line;
                let declares =
                    name == "extern" && !matches!(tokens.peek(), Some(TokenTree::Ident(next)) if next == "crate");
                if declares || name == "proxy_wasm" || name == "target_arch" {
                    report(line, &name.to_string());
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
