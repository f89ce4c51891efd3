//! Rules about the form of the code that Clippy has no lint for.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ItemFn, ItemMod};

use crate::sources::{Sources, is_test_only};

/// Unit tests of `src/` outside of `foo/tests.rs` and `foo/tests/`, and test modules that are not declared
/// `#[cfg(test)] mod tests;`.
pub fn misplaced_tests(sources: &Sources) -> Vec<String> {
    problems(sources, |path| TestPlaces { in_tests: is_test_file(path), lines: Vec::new() }, |places| places.lines)
}

/// Conditions of `if` and `while`, and subjects of `match`, that are an `if` themselves.
pub fn nested_conditions(sources: &Sources) -> Vec<String> {
    problems(sources, |_| Conditions(Vec::new()), |conditions| conditions.0)
}

fn problems<V>(sources: &Sources, start: impl Fn(&str) -> V, lines: impl Fn(V) -> Vec<usize>) -> Vec<String>
where
    V: for<'ast> Visit<'ast>,
{
    let mut problems = Vec::new();
    for (path, file) in sources.parsed() {
        let mut visitor = start(path);
        visitor.visit_file(&file);
        problems.extend(lines(visitor).iter().map(|line| format!("{path}:{line}")));
    }
    problems
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

struct TestPlaces {
    in_tests: bool,
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for TestPlaces {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let is_tests = item.ident == "tests" && item.content.is_none() && item.attrs.len() == 1;
        if is_test_only(&item.attrs) && !is_tests {
            self.lines.push(item.span().start().line);
        } else {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !self.in_tests && item.attrs.iter().any(|attribute| attribute.path().is_ident("test")) {
            self.lines.push(item.span().start().line);
        }
        visit::visit_item_fn(self, item);
    }
}

struct Conditions(Vec<usize>);

impl Conditions {
    fn check(&mut self, condition: &Expr) {
        match condition {
            Expr::If(inner) => self.0.push(inner.span().start().line),
            Expr::Binary(binary) => {
                self.check(&binary.left);
                self.check(&binary.right);
            }
            Expr::Unary(unary) => self.check(&unary.expr),
            Expr::Paren(paren) => self.check(&paren.expr),
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for Conditions {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::If(outer) => self.check(&outer.cond),
            Expr::While(outer) => self.check(&outer.cond),
            Expr::Match(outer) => self.check(&outer.expr),
            _ => {}
        }
        visit::visit_expr(self, expression);
    }
}

#[cfg(test)]
mod tests;
