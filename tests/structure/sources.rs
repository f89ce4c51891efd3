//! The Rust files that the checks read.

use std::collections::BTreeMap;
use std::path::Path;

/// The Rust files of `src/` and `tests/` by path, relative to the repository.
pub struct Sources(BTreeMap<String, String>);

impl Sources {
    pub fn of_repository() -> Sources {
        let mut files = BTreeMap::new();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["src", "tests"] {
            read_folder(repository, &repository.join(folder), &mut files);
        }
        Sources(files)
    }

    /// Files of a test: pairs of path and text.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Sources {
        Sources(files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect())
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// All files as syntax trees.
    pub fn parsed(&self) -> impl Iterator<Item = (&str, syn::File)> {
        self.iter().map(|(path, text)| (path, parse(path, text)))
    }
}

pub fn parse(path: &str, text: &str) -> syn::File {
    syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// True if an item is compiled for unit tests only: it has the attribute `#[cfg(test)]`.
pub fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

fn read_folder(repository: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            read_folder(repository, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(repository).expect("the path is in the repository");
            let text = std::fs::read_to_string(&path).expect("the file is readable");
            files.insert(name.to_str().expect("the path is UTF-8").to_owned(), text);
        }
    }
}
