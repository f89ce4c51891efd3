//! Access to the members of Envoy messages in configuration files.

use envoy_maintenance::tree::Tree;

/// All objects of a document with their key paths, outer ones first.
pub fn objects(tree: &Tree) -> Vec<(String, &Tree)> {
    let mut found = Vec::new();
    collect(tree, String::new(), &mut found);
    found
}

fn collect<'t>(tree: &'t Tree, path: String, found: &mut Vec<(String, &'t Tree)>) {
    match tree {
        Tree::Map(entries) => {
            found.push((path.clone(), tree));
            for (key, value) in entries {
                collect(value, join(&path, key), found);
            }
        }
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// The key path of a member of the object at `path`.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A member of an Envoy message, in snake case or camel case.
pub fn member<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    tree.get(name).or_else(|| tree.get(&camel_case(name))).filter(|value| **value != Tree::Null)
}

/// A name in camel case, as in protobuf's JSON.
pub fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name + letters.as_str()
    })
}

/// A text member.
pub fn text<'t>(tree: &'t Tree, name: &str) -> Option<&'t str> {
    match member(tree, name) {
        Some(Tree::Text(text)) => Some(text),
        _ => None,
    }
}

/// The elements of a list member; empty if there is no list.
pub fn list<'t>(tree: &'t Tree, name: &str) -> &'t [Tree] {
    match member(tree, name) {
        Some(Tree::List(items)) => items,
        _ => &[],
    }
}

/// True if a message is of the type `name`.
pub fn is_type(tree: &Tree, name: &str) -> bool {
    let is = |key| text(tree, key).is_some_and(|url| url.rsplit('/').next() == Some(name));
    is("@type") || is("type_url")
}
