//! The position automaton of a regex (V. M. Glushkov, "The abstract theory of automata", 1961). It has one state for each
//! position, which is a character or class of the regex. Sets of states are bit sets: after each character of a text, the
//! current set contains the positions that can have matched it.

use super::syntax::{Class, Node};
use crate::request::WorkBudget;

/// The most positions of an automaton. Repeated characters and classes count each time.
pub const MAX_POSITIONS: usize = 1024;
const WORDS: usize = MAX_POSITIONS / 64;
/// The cost of the steps that are paid for together, in units of the budget.
const BATCH: usize = 256;

/// A set of positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Positions([u64; WORDS]);

impl Positions {
    fn with(position: usize) -> Positions {
        let mut set = Positions::default();
        if let Some(word) = set.0.get_mut(position / 64) {
            *word = 1 << (position % 64);
        }
        set
    }

    fn union(mut self, other: Positions) -> Positions {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(index, word)| bits(word).map(move |bit| index * 64 + bit))
    }
}

/// The indices of the bits that are set in a word.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros();
            word &= word - 1;
            bit as usize
        })
    })
}

/// A compiled automaton. Each set of positions has `words` words.
#[derive(Clone, Debug)]
pub struct Automaton {
    words: usize,
    /// The class of each position.
    classes: Vec<Class>,
    /// For each ASCII character, the positions that match it.
    ascii: Vec<u64>,
    /// For each position, the positions that can follow it; and those that can be first.
    follow: Vec<u64>,
    first: Vec<u64>,
    /// The positions that can be last.
    last: Vec<u64>,
    takes_empty: bool,
}

/// The positions at which a part of a regex can begin and end, and whether it can be empty.
struct Fragment {
    first: Positions,
    last: Positions,
    is_optional: bool,
}

/// Builds an automaton.
#[derive(Default)]
struct Compiler {
    classes: Vec<Class>,
    follow: Vec<Positions>,
}

impl Compiler {
    fn add(&mut self, node: &Node) -> Option<Fragment> {
        match node {
            Node::Class(class) => {
                let position = self.classes.len();
                self.classes.push(class.clone());
                self.follow.push(Positions::default());
                let own = Positions::with(position);
                (position < MAX_POSITIONS).then_some(Fragment { first: own, last: own, is_optional: false })
            }
            Node::Sequence(nodes) => nodes.iter().try_fold(Fragment::empty(), |before, node| {
                let after = self.add(node)?;
                Some(self.join(before, after))
            }),
            Node::Either(nodes) => {
                let mut parts = nodes.iter().map(|node| self.add(node));
                let first = parts.next()??;
                parts.try_fold(first, |one, other| {
                    let other = other?;
                    Some(Fragment {
                        first: one.first.union(other.first),
                        last: one.last.union(other.last),
                        is_optional: one.is_optional || other.is_optional,
                    })
                })
            }
            Node::Repeat(node, least, most) => {
                let mut all = Fragment::empty();
                for count in 1..=most.unwrap_or((*least).max(1)) {
                    let mut next = self.add(node)?;
                    next.is_optional |= count > *least;
                    // The last copy repeats without limit.
                    if most.is_none() && count == (*least).max(1) {
                        self.connect(next.last, next.first);
                    }
                    all = self.join(all, next);
                }
                Some(all)
            }
        }
    }

    fn join(&mut self, one: Fragment, other: Fragment) -> Fragment {
        self.connect(one.last, other.first);
        Fragment {
            first: if one.is_optional { one.first.union(other.first) } else { one.first },
            last: if other.is_optional { one.last.union(other.last) } else { other.last },
            is_optional: one.is_optional && other.is_optional,
        }
    }

    fn connect(&mut self, from: Positions, to: Positions) {
        for position in from.iter() {
            if let Some(follow) = self.follow.get_mut(position) {
                *follow = follow.union(to);
            }
        }
    }
}

impl Fragment {
    fn empty() -> Fragment {
        Fragment { first: Positions::default(), last: Positions::default(), is_optional: true }
    }
}

impl Automaton {
    /// The automaton of a regex; none if it has too many positions.
    pub fn of(node: &Node) -> Option<Automaton> {
        let mut compiler = Compiler::default();
        let whole = compiler.add(node)?;
        let Compiler { classes, follow } = compiler;
        let words = classes.len().div_ceil(64).max(1);
        let flat = |sets: &[Positions]| sets.iter().flat_map(|set| set.0.into_iter().take(words)).collect::<Vec<u64>>();
        let ascii = (0..128_u8).map(|byte| {
            let takes =
                |(position, class): (usize, &Class)| class.takes(byte.into()).then(|| Positions::with(position));
            classes.iter().enumerate().filter_map(takes).fold(Positions::default(), Positions::union)
        });
        let ascii = flat(&ascii.collect::<Vec<_>>());
        Some(Automaton {
            words,
            ascii,
            follow: flat(&follow),
            first: flat(&[whole.first]),
            last: flat(&[whole.last]),
            takes_empty: whole.is_optional,
            classes,
        })
    }

    /// True if the regex matches the whole `text`; none if the budget is too small.
    pub fn is_match(&self, text: &str, is_ascii: bool, budget: &WorkBudget) -> Option<bool> {
        if self.words == 1 && is_ascii { self.run_word(text, budget) } else { self.run(text, budget) }
    }

    /// Like [`Automaton::run`], for the usual case: an ASCII text, and at most 64 positions.
    fn run_word(&self, text: &str, budget: &WorkBudget) -> Option<bool> {
        let (mut states, mut spent) = (0, 0);
        let mut next = self.first.first().copied().unwrap_or(0);
        for byte in text.bytes() {
            spent += 3;
            states = next & self.ascii.get(usize::from(byte)).copied().unwrap_or(0);
            if states == 0 {
                return budget.pay(spent).then_some(false);
            }
            next = 0;
            for bit in bits(states) {
                spent += 1;
                next |= self.follow.get(bit).copied().unwrap_or(0);
            }
            if spent >= BATCH && !budget.pay(std::mem::take(&mut spent)) {
                return None;
            }
        }
        let ends = states & self.last.first().copied().unwrap_or(0) != 0;
        budget.pay(spent).then_some(ends || text.is_empty() && self.takes_empty)
    }

    fn run(&self, text: &str, budget: &WorkBudget) -> Option<bool> {
        let mut states = [0; WORDS];
        let mut spent = 0;
        for (index, c) in text.chars().enumerate() {
            let mut next = [0; WORDS];
            if index == 0 {
                next.iter_mut().zip(&self.first).for_each(|(word, first)| *word = *first);
            }
            spent += 8;
            for (word, states) in states.iter().enumerate() {
                for bit in bits(*states) {
                    spent += 2 * self.words;
                    let follow = self.follow.get((word * 64 + bit) * self.words..).unwrap_or_default();
                    next.iter_mut().zip(follow).take(self.words).for_each(|(word, follow)| *word |= follow);
                }
            }
            self.keep(&mut next, c, &mut spent);
            if next == [0; WORDS] {
                return budget.pay(spent).then_some(false);
            }
            states = next;
            if spent >= BATCH && !budget.pay(std::mem::take(&mut spent)) {
                return None;
            }
        }
        let ends = states.iter().zip(&self.last).any(|(states, last)| states & last != 0);
        budget.pay(spent).then_some(ends || text.is_empty() && self.takes_empty)
    }

    /// Removes the states that do not match a character.
    fn keep(&self, states: &mut [u64; WORDS], c: char, spent: &mut usize) {
        if c.is_ascii() {
            let takes = self.ascii.get(c as usize * self.words..).unwrap_or_default();
            states.iter_mut().zip(takes).for_each(|(states, takes)| *states &= takes);
            return;
        }
        for (index, word) in states.iter_mut().enumerate() {
            for bit in bits(*word) {
                let class = self.classes.get(index * 64 + bit);
                *spent += 4 + class.map_or(0, Class::len);
                if !class.is_some_and(|class| class.takes(c)) {
                    *word &= !(1 << bit);
                }
            }
        }
    }
}
