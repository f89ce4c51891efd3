//! The imports between the modules of a crate: every path in the sources, resolved to the module that declares the item.
//!
//! - Re-exports are followed: an import of a re-exported name is an import from the module that declares the name.
//! - An import of a module itself is an import from that module.
//! - Names of other crates, and names that the importing module declares itself, are not imports.
//! - A call of a method contains no path, so it is not found.

use crate::modules::{Reference, SourceCrate, SourceModule};

/// One import: a module refers to an item of another one.
pub struct Import {
    pub from: ModuleName,
    pub line: usize,
    pub to: ModuleName,
    /// The path as the source has it: `super::host::log`.
    pub path: String,
}

/// The path and the file of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleName {
    pub path: Vec<String>,
    pub file: String,
}

impl ModuleName {
    pub fn is_in(&self, top_level: &str) -> bool {
        self.path.first().is_some_and(|first| first == top_level)
    }
}

/// The unit between which cycles are looked for.
#[derive(Clone, Copy)]
pub enum CycleScope {
    /// A top-level module with all modules below it.
    TopLevel,
    /// A file.
    File,
}

impl CycleScope {
    pub fn of(self, module: &ModuleName) -> String {
        match self {
            CycleScope::TopLevel => module.path.first().unwrap_or(&module.file).clone(),
            CycleScope::File => module.file.clone(),
        }
    }
}

/// Paths that re-export each other would otherwise be followed for ever.
const MAX_REEXPORTS: usize = 16;

/// All imports of a crate, except those within one module.
pub fn imports(tree: &SourceCrate) -> Vec<Import> {
    let mut imports = Vec::new();
    for (index, module) in tree.modules.iter().enumerate() {
        for reference in &module.references {
            if let Some(target) = tree.target(index, reference)
                && target != index
            {
                imports.push(Import {
                    from: ModuleName::from(module),
                    line: reference.line,
                    to: ModuleName::from(&tree.modules[target]),
                    path: reference.path.join("::"),
                });
            }
        }
    }
    imports
}

impl From<&SourceModule> for ModuleName {
    fn from(module: &SourceModule) -> ModuleName {
        ModuleName { path: module.path.clone(), file: module.file.clone() }
    }
}

impl SourceCrate {
    /// The module that declares what a reference names, if this crate has it.
    fn target(&self, from: usize, reference: &Reference) -> Option<usize> {
        match reference.path.as_slice() {
            [name] if reference.is_macro => self.modules.iter().position(|module| module.macros.contains(name)),
            path => self.resolve(from, path, MAX_REEXPORTS),
        }
    }

    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => 0,
            "self" => from,
            "super" => self.modules[from].parent,
            name => {
                let module = &self.modules[from];
                match module.children.get(name) {
                    Some(child) => *child,
                    // The `use` declaration that is being resolved does not import itself.
                    None => {
                        let imported = module.imported(name).filter(|imported| *imported != path)?;
                        self.resolve(from, imported, depth.checked_sub(1)?)?
                    }
                }
            }
        };
        Some(self.descend(start, rest, depth))
    }

    /// The module that declares what `path` names in a module. A name that leads out of the crate is the module's own.
    fn descend(&self, start: usize, path: &[String], depth: usize) -> usize {
        let Some((first, rest)) = path.split_first() else { return start };
        let module = &self.modules[start];
        if first == "super" {
            return self.descend(module.parent, rest, depth);
        }
        if let Some(child) = module.children.get(first) {
            return self.descend(*child, rest, depth);
        }
        if module.declared.contains(first) || depth == 0 {
            return start;
        }
        let reexported = match module.imported(first) {
            Some(path) => self.resolve(start, path, depth - 1),
            None => self.find_in_globs(start, first, depth - 1),
        };
        reexported.map_or(start, |target| self.descend(target, rest, depth - 1))
    }

    fn find_in_globs(&self, module: usize, name: &str, depth: usize) -> Option<usize> {
        self.modules[module].globs().find_map(|glob| {
            let target = self.resolve(module, glob, depth)?;
            let names = &self.modules[target];
            (names.declared.contains(name) || names.children.contains_key(name)).then_some(target)
        })
    }
}

#[cfg(test)]
mod tests;
