//! Only the filter knows its host: it alone names the SDK and declares foreign functions, and no module imports it.

use proc_macro2::{TokenStream, TokenTree};

use crate::imports::Import;
use crate::sources::Sources;

/// Imports of the module `filter` by the modules beside it.
pub fn imports_of_filter(imports: &[Import]) -> Vec<String> {
    let from_outside = imports.iter().filter(|import| import.to.is_in("filter") && !import.from.is_in("filter"));
    from_outside.map(|import| format!("{}:{}: {}", import.from.file, import.line, import.path)).collect()
}

/// Names of the SDK, and declarations of foreign functions, in the files of `src/` outside of the filter.
pub fn names(sources: &Sources) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in sources.iter() {
        if !path.starts_with("src/") || path.starts_with("src/filter/") || path == "src/filter.rs" {
            continue;
        }
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        find(tokens, &mut |line, name| problems.push(format!("{path}:{line}: {name}")));
    }
    problems
}

/// Reports `proxy_wasm`, and `extern` unless it begins `extern crate`. Tokens are read rather than syntax, so that the
/// arguments of macros are read too.
fn find(tokens: TokenStream, report: &mut impl FnMut(usize, &str)) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => find(group.stream(), report),
            TokenTree::Ident(name) => {
                let line = name.span().start().line;
                let declares =
                    name == "extern" && !matches!(tokens.peek(), Some(TokenTree::Ident(next)) if next == "crate");
                if declares || name == "proxy_wasm" {
                    report(line, &name.to_string());
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
