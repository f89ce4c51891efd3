//! The module tree of one crate: every module with its file, the names that it declares and imports, and the paths that
//! it refers to. Items that are compiled for unit tests only are not part of it.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;
use syn::{Item, ItemMod};

use crate::sources::{Sources, is_test_only, parse};

mod references;

pub use references::Reference;
use references::References;

/// The module tree. A module is named by its index; the root has index 0.
pub struct SourceCrate {
    pub modules: Vec<SourceModule>,
}

/// One module: a file, or a `mod` block inside a file.
pub struct SourceModule {
    /// The path below the crate: `["filter", "host"]`; empty for the root.
    pub path: Vec<String>,
    pub file: String,
    /// The index of the parent; the root is its own parent.
    pub parent: usize,
    pub children: BTreeMap<String, usize>,
    /// Names of the items that the module itself declares.
    pub declared: BTreeSet<String>,
    /// Names of the `macro_rules!` macros that the module declares.
    pub macros: BTreeSet<String>,
    pub references: Vec<Reference>,
}

impl SourceModule {
    /// The path of the `use` declaration that imports `name`.
    pub fn imported(&self, name: &str) -> Option<&[String]> {
        let imported = self.references.iter().find(|reference| reference.binds.as_deref() == Some(name));
        imported.map(|reference| reference.path.as_slice())
    }

    /// The paths of the modules whose names `use path::*` imports.
    pub fn globs(&self) -> impl Iterator<Item = &[String]> {
        self.references.iter().filter(|reference| reference.is_glob).map(|reference| reference.path.as_slice())
    }
}

impl SourceCrate {
    pub fn read(sources: &Sources, root: &str) -> SourceCrate {
        let mut tree = SourceCrate { modules: Vec::new() };
        let text = sources.text(root).unwrap_or_else(|| panic!("{root} is missing"));
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        tree.add(sources, ModulePlace { path: Vec::new(), parent: 0, file: root, folder }, &parse(root, text).items);
        tree
    }

    fn add(&mut self, sources: &Sources, place: ModulePlace, items: &[Item]) -> usize {
        let index = self.modules.len();
        let mut references = References::default();
        items.iter().for_each(|item| references.visit_item(item));
        self.modules.push(SourceModule {
            path: place.path.clone(),
            file: place.file.to_owned(),
            parent: place.parent,
            children: BTreeMap::new(),
            declared: references.declared,
            macros: references.macros,
            references: references.found,
        });
        for item in items {
            if let Item::Mod(child) = item
                && !is_test_only(&child.attrs)
            {
                let child_index = self.add_child(sources, &place, index, child);
                self.modules[index].children.insert(child.ident.to_string(), child_index);
            }
        }
        index
    }

    fn add_child(&mut self, sources: &Sources, place: &ModulePlace, parent: usize, child: &ItemMod) -> usize {
        let name = child.ident.to_string();
        let path = [place.path.as_slice(), std::slice::from_ref(&name)].concat();
        let folder = format!("{}/{name}", place.folder);
        if let Some((_, items)) = &child.content {
            return self.add(sources, ModulePlace { path, parent, file: place.file, folder: &folder }, items);
        }
        let candidates = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
        let found = candidates.iter().find_map(|file| Some((file, sources.text(file)?)));
        let (file, text) = found.unwrap_or_else(|| panic!("{}: the file of `mod {name};` is missing", place.file));
        self.add(sources, ModulePlace { path, parent, file, folder: &folder }, &parse(file, text).items)
    }
}

/// The position of a module in the tree, and the folder of the files of its children.
struct ModulePlace<'a> {
    path: Vec<String>,
    parent: usize,
    file: &'a str,
    folder: &'a str,
}
