//! All errors of a policy. The filter reports only the first.
//!
//! Each error is found by removing the value of the one before. An error that results from a removal, such as an empty
//! list, concerns a container of a removed value and is left out.

use envoy_maintenance::tree::{PathError, Tree};

/// The most errors that are searched for.
const LIMIT: usize = 50;

/// The error `first` of a policy, and the ones behind it. `check` returns the first error of a policy.
pub fn all_errors(tree: &Tree, first: PathError, check: impl Fn(&Tree) -> Option<PathError>) -> Vec<PathError> {
    let mut tree = tree.clone();
    let mut errors: Vec<PathError> = Vec::new();
    let mut removed: Vec<Vec<PathStep>> = Vec::new();
    let mut next = Some(first);
    for _ in 0..LIMIT {
        let Some(error) = next else { break };
        let Some(steps) = steps(&error.path) else {
            errors.push(error);
            break;
        };
        let written = original(&steps, &removed);
        let is_consequence = removed.iter().any(|removed| removed.starts_with(&written));
        if !is_consequence {
            errors.push(PathError { path: to_path(&written), problem: error.problem });
        }
        let Some(gone) = remove_for(&mut tree, &steps, is_consequence) else { break };
        removed.push(original(gone, &removed));
        next = check(&tree);
    }
    errors
}

/// Removes the value at `steps`. If an earlier removal has caused the error, removes what contains the value instead
/// where the value is missing. Returns the steps of the removed value; `None` if other errors would result.
fn remove_for<'s>(tree: &mut Tree, steps: &'s [PathStep], is_consequence: bool) -> Option<&'s [PathStep]> {
    let (_, container) = steps.split_last()?;
    for gone in [steps, container] {
        // Without a whole site or list, other parts of the policy would be wrong.
        let is_needed = match gone {
            [] | [_] => true,
            [PathStep::Key(list), PathStep::Index(_)] => list == "sites",
            _ => false,
        };
        if is_consequence && is_needed {
            return None;
        }
        if remove(tree, gone) {
            return Some(gone);
        }
        if !is_consequence {
            return None;
        }
    }
    None
}

/// One step of a key path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PathStep {
    Key(String),
    Index(usize),
}

/// The steps of a key path such as `sites[0].hosts`; `None` if it is empty or a key contains a bracket.
fn steps(path: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        steps.push(PathStep::Key(pieces.next().filter(|key| !key.is_empty())?.to_owned()));
        for index in pieces {
            steps.push(PathStep::Index(index.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(steps)
}

fn to_path(steps: &[PathStep]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            PathStep::Key(key) if path.is_empty() => path.push_str(key),
            PathStep::Key(key) => path.push_str(&format!(".{key}")),
            PathStep::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// The steps in the policy as written: elements behind a removed one have moved forward since.
fn original(steps: &[PathStep], removed: &[Vec<PathStep>]) -> Vec<PathStep> {
    let mut steps = steps.to_vec();
    let mut in_order: Vec<(&[PathStep], usize)> = removed
        .iter()
        .filter_map(|removed| match removed.split_last() {
            Some((PathStep::Index(index), list)) => Some((list, *index)),
            _ => None,
        })
        .collect();
    in_order.sort_by_key(|(list, index)| (list.len(), *index));
    for (list, gone) in in_order {
        let is_inside = steps.starts_with(list);
        match steps.get_mut(list.len()) {
            Some(PathStep::Index(index)) if is_inside && *index >= gone => *index += 1,
            _ => {}
        }
    }
    steps
}

/// Removes a value. Returns false if it does not exist.
fn remove(tree: &mut Tree, steps: &[PathStep]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return false };
    match (tree, step) {
        (Tree::Map(entries), PathStep::Key(key)) => {
            let Some(position) = entries.iter().position(|(own, _)| own == key) else { return false };
            if rest.is_empty() {
                entries.remove(position);
                return true;
            }
            entries.get_mut(position).is_some_and(|(_, value)| remove(value, rest))
        }
        (Tree::List(items), PathStep::Index(index)) if rest.is_empty() && *index < items.len() => {
            items.remove(*index);
            true
        }
        (Tree::List(items), PathStep::Index(index)) => items.get_mut(*index).is_some_and(|item| remove(item, rest)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
