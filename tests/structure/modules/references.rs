//! The paths that the items of one module refer to: in `use` declarations, in code, and in the arguments of macros.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Item, ItemMod, ItemUse, Macro, UseTree, VisRestricted};

use crate::sources::is_test_only;

/// One path in the source text of a module.
pub struct Reference {
    /// The segments: `["crate", "policy", "Site"]`.
    pub path: Vec<String>,
    pub line: usize,
    /// The name that a `use` declaration gives to the path in this module.
    pub binds: Option<String>,
    /// The path ends with `::*`.
    pub is_glob: bool,
    /// The path is the name of a macro that is called.
    pub is_macro: bool,
}

/// Collects the references and the declared names of one module, without its child modules.
#[derive(Default)]
pub struct References {
    pub found: Vec<Reference>,
    pub declared: BTreeSet<String>,
    pub macros: BTreeSet<String>,
}

impl References {
    fn add(&mut self, path: Vec<String>, line: usize) {
        self.found.push(Reference { path, line, binds: None, is_glob: false, is_macro: false });
    }

    fn add_use(&mut self, prefix: &[String], tree: &UseTree) {
        let line = tree.span().start().line;
        let join = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_use(&join(&path.ident), &path.tree),
            UseTree::Name(name) if name.ident == "self" => {
                self.add_import(prefix.to_vec(), line, prefix.last().cloned())
            }
            UseTree::Name(name) => self.add_import(join(&name.ident), line, Some(name.ident.to_string())),
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { prefix.to_vec() } else { join(&rename.ident) };
                self.add_import(path, line, Some(rename.rename.to_string()));
            }
            UseTree::Glob(_) => {
                self.found.push(Reference { path: prefix.to_vec(), line, binds: None, is_glob: true, is_macro: false });
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(prefix, tree)),
        }
    }

    fn add_import(&mut self, path: Vec<String>, line: usize, binds: Option<String>) {
        self.found.push(Reference { path, line, binds, is_glob: false, is_macro: false });
    }

    /// Adds every `a::b::c` among the tokens of a macro call, whose syntax is the macro's own.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(name) if colons == 2 => path.push(name.to_string()),
                _ => {
                    self.end_path(&mut path, line);
                    if let TokenTree::Ident(name) = &token {
                        line = name.span().start().line;
                        path.push(name.to_string());
                    }
                }
            }
            colons = 0;
            if let TokenTree::Group(group) = token {
                self.add_tokens(group.stream());
            }
        }
        self.end_path(&mut path, line);
    }

    fn end_path(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.add(std::mem::take(path), line);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for References {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test_only(attributes(item)) {
            return;
        }
        if let Some(name) = name(item) {
            self.declared.insert(name.to_string());
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    /// `pub(super)` and `pub(in crate::filter)` are no imports.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.add_use(&[], &item.tree);
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = &item.ident {
            self.macros.insert(name.to_string());
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let path: Vec<String> = called.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = called.path.span().start().line;
        self.found.push(Reference { path, line, binds: None, is_glob: false, is_macro: true });
        self.add_tokens(called.tokens.clone());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.add(segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}
