//! Values of claims that are not texts.

use crate::tree::Tree;

/// A boolean or a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
}

impl Scalar {
    /// The value of a tree, if it is a boolean or a number.
    pub fn of(tree: &Tree) -> Option<Scalar> {
        match tree {
            Tree::Bool(value) => Some(Scalar::Bool(*value)),
            Tree::Number(value) => Some(Scalar::Number(*value)),
            _ => None,
        }
    }

    /// The bytes in which Envoy passes the value to the filter. They do not tell the type: a text of the same bytes is
    /// passed alike.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Scalar::Bool(value) => vec![u8::from(value)],
            Scalar::Number(value) => value.to_le_bytes().to_vec(),
        }
    }

    /// The value as a literal of the Common Expression Language.
    pub fn literal(self) -> String {
        match self {
            Scalar::Bool(value) => Tree::Bool(value).to_json_text(),
            Scalar::Number(value) => ["double(", &Tree::Number(value).to_json_text(), ")"].concat(),
        }
    }
}
