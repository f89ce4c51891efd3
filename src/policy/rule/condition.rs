//! Conditions on named values: headers, query parameters, cookies and claims.

use super::Effect;
use crate::matching::text::{TextMatcher, Unexamined};
use crate::request::{Pair, Request, Scalar, Separator, WorkBudget, unquoted};

/// The cost of comparing the name of one header, parameter or cookie, in units of the budget.
pub const NAME: usize = 2;

/// The bytes in which Envoy passes `false`, and an empty list or object, to the filter.
const FALSE: &[u8] = &[0];
const EMPTY_LIST: &[u8] = &[0; 4];

/// A condition on the values of a header, a parameter or a cookie. One matching occurrence suffices.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub value: TextMatcher,
}

/// A condition on a claim of a token that jwt_authn has verified.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The issuer.
    pub iss: String,
    /// The names of nested members.
    pub path: Vec<String>,
    pub texts: TextMatcher,
    /// Booleans and numbers.
    pub scalars: Vec<Scalar>,
}

impl Named {
    pub fn matches_header(&self, request: &Request<'_>, effect: Effect<'_>) -> bool {
        let (budget, unexamined) = (&request.budget, effect.unexamined());
        if !budget.pay(request.headers.len() * NAME) {
            return unexamined.is_match();
        }
        // Servers normalize pseudo-headers, so a rule that closes compares their canonical form too.
        let canonical = match (self.name.as_str(), effect) {
            (":path", _) if request.path.canonical().is_none() => return unexamined.is_match(),
            (":path", Effect::Closes(_)) => request.path.canonical().map(|path| path.as_bytes().to_vec()),
            (":method", Effect::Closes(_)) => Some(request.method.to_ascii_uppercase()),
            (":authority", Effect::Closes(_)) => request.host.as_ref().map(|host| host.as_str().as_bytes().to_vec()),
            _ => None,
        };
        let values = request.headers.all(&self.name).chain(canonical.as_deref());
        self.value.is_match_any(values, unexamined, budget)
    }

    /// Some servers separate parameters at `;` too, so a rule that closes tries both.
    pub fn matches_parameter(&self, request: &Request<'_>, effect: Effect<'_>) -> bool {
        let unexamined = effect.unexamined();
        let matches = |separator| match request.parameters(separator).and_then(|pairs| self.values(pairs, request)) {
            Some(values) => self.value.is_match_any(values, unexamined, &request.budget),
            None => unexamined.is_match(),
        };
        let may_separate = || effect != Effect::Opens && request.query.contains(&b';');
        matches(Separator::Ampersand) || may_separate() && matches(Separator::Either)
    }

    /// Some servers remove quotes around cookie values, so a rule that closes compares the unquoted value too.
    pub fn matches_cookie(&self, request: &Request<'_>, effect: Effect<'_>) -> bool {
        let unexamined = effect.unexamined();
        let Some(values) = request.cookies().and_then(|pairs| self.values(pairs, request)) else {
            return unexamined.is_match();
        };
        match effect {
            Effect::Opens => self.value.is_match_any(values, unexamined, &request.budget),
            Effect::Closes(_) => {
                let values = values.flat_map(|value| [Some(value), unquoted(value)]).flatten();
                self.value.is_match_any(values, unexamined, &request.budget)
            }
        }
    }

    /// The values of this name; none if the budget is too small to search for them.
    fn values<'p>(&'p self, pairs: &'p [Pair<'_>], request: &Request<'_>) -> Option<impl Iterator<Item = &'p [u8]>> {
        let is_own = |(name, _): &&Pair<'_>| name.as_ref() == self.name.as_bytes();
        request.budget.pay(pairs.len() * NAME).then(|| pairs.iter().filter(is_own).map(|(_, value)| value.as_ref()))
    }
}

impl Claim {
    pub fn matches(&self, request: &Request<'_>, unexamined: Unexamined) -> bool {
        let budget = &request.budget;
        let issuers = request.peer.claim(&["iss".to_owned()], budget);
        let is_issuer = matches!(&*issuers, [one] if one == self.iss.as_bytes());
        let values = request.peer.claim(&self.path, budget);
        // The peer exhausts the budget if it could not read all values.
        if !budget.pay(1) {
            return unexamined.is_match();
        }
        is_issuer && (self.is_text(&values, unexamined, budget) || self.is_scalar(&values, unexamined, request))
    }

    /// `false` means that the token lacks something, like an empty list, so no text matches it, not even `*`. Nor is the
    /// claim absent.
    fn is_text(&self, values: &[Vec<u8>], unexamined: Unexamined, budget: &WorkBudget) -> bool {
        let mut others = values.iter().filter(|value| !matches!(value.as_slice(), FALSE | EMPTY_LIST)).peekable();
        let is_nothing = !values.is_empty() && others.peek().is_none();
        !is_nothing && self.texts.is_match_any(others, unexamined, budget)
    }

    /// A text can have the bytes of a boolean or a number, so a rule that opens asks Envoy for the type. A rule that closes
    /// matches the text too.
    fn is_scalar(&self, values: &[Vec<u8>], unexamined: Unexamined, request: &Request<'_>) -> bool {
        let equals =
            |scalar: Scalar| unexamined.is_match() || request.peer.claim_equals(&self.path, scalar, &request.budget);
        self.scalars.iter().any(|scalar| values.contains(&scalar.bytes()) && equals(*scalar))
    }
}
