//! Import cycles, each with the imports that cause it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::{Import, ModuleName};

/// The graph: for each node, the nodes that it imports, with the imports.
type Edges<'a> = BTreeMap<String, BTreeMap<String, Vec<&'a Import>>>;

/// The shortest cycle through each import, as text. `node` names the node of a module; modules without one are ignored.
pub fn cycles(imports: &[Import], node: impl Fn(&ModuleName) -> Option<String>) -> Vec<String> {
    let mut edges = Edges::new();
    for import in imports {
        if let (Some(from), Some(to)) = (node(&import.from), node(&import.to))
            && from != to
        {
            edges.entry(from).or_default().entry(to).or_default().push(import);
        }
    }
    let mut found = BTreeSet::new();
    for (from, targets) in &edges {
        for to in targets.keys() {
            if let Some(back) = shortest_path(&edges, to, from) {
                found.insert(smallest_first(back));
            }
        }
    }
    let mut found: Vec<Vec<String>> = found.into_iter().collect();
    found.sort_by_key(Vec::len);
    found.iter().map(|cycle| describe(&edges, cycle)).collect()
}

/// The nodes on the shortest path, both ends included.
fn shortest_path(edges: &Edges, start: &str, end: &str) -> Option<Vec<String>> {
    let mut previous: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        if node == end {
            let steps = std::iter::successors(Some(node), |node| previous.get(node).copied());
            let mut path: Vec<String> = steps.map(str::to_owned).collect();
            path.reverse();
            return Some(path);
        }
        for next in edges.get(node).into_iter().flat_map(BTreeMap::keys) {
            if next != start && !previous.contains_key(next.as_str()) {
                previous.insert(next, node);
                queue.push_back(next);
            }
        }
    }
    None
}

/// The same cycle, beginning with its smallest node, so that equal cycles are equal.
fn smallest_first(mut cycle: Vec<String>) -> Vec<String> {
    let smallest = cycle.iter().enumerate().min_by_key(|(_, node)| *node).map_or(0, |(index, _)| index);
    cycle.rotate_left(smallest);
    cycle
}

fn describe(edges: &Edges, cycle: &[String]) -> String {
    let next = |index: usize| &cycle[(index + 1) % cycle.len()];
    let mut text = format!("{} -> {}", cycle.join(" -> "), cycle[0]);
    for (index, from) in cycle.iter().enumerate() {
        let lines: BTreeSet<(&str, usize, &str)> = edges[from][next(index)]
            .iter()
            .map(|import| (import.from.file.as_str(), import.line, import.path.as_str()))
            .collect();
        for (file, line, path) in lines {
            text.push_str(&format!("\n    {file}:{line}: {path}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
