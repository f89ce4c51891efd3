//! A generator of paths that try to evade a rule, and of unusual paths that real applications use.

/// A pseudo-random generator (Steele, Lea and Flood, 2014). A seed repeats a search.
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator with this seed.
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True with a probability of `percent` in 100.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// A path as the pieces that it consists of. A failed search drops pieces to shorten the path.
pub type Pieces = Vec<Vec<u8>>;

const NAMES: &[&str] = &[
    "checkout",
    "beta/x",
    "beta",
    "internal",
    "public",
    "public/x",
    "healthz",
    "x",
    "a.b",
    "shop",
    ".well-known/acme-challenge/tok-en",
    ".well-known/acme-challenge",
];
const HOSTS: &[&str] = &["closed.example.com", "half.example.com", "open.example.com", "other.example.com"];
const SLASHES: &[&str] = &["/", "/", "/", "/", "//", "\\", "/.//", "/;/", "/;x=1/", "/;x%2fy/"];
const DOTS: &[&str] = &["..", "..", "..", ".", "...", "..;", ".;", "..;x=1", ";", ";x=1", "%"];
const ENDS: &[&str] = &["#", "\0", "?", ";", "#x", "\0x", "?x=1", " ", "\u{1f}"];
const REMOVED: &[&str] = &["\t", "\n", "\r", "\u{b}", " ", "\u{7f}"];
const TEXTS: &[&str] =
    &["\u{e9}", "\u{43a}\u{43e}\u{440}", "\u{ff0f}", "\u{ff0e}\u{ff0e}", "\u{2215}", "\u{ad}", "~", "+", "\""];
/// Overlong UTF-8 (which RFC 3629 section 3 forbids), and the `%uXXXX` of IIS.
const FORMS: &[&str] =
    &["%c0%af", "%c0%ae%c0%ae", "%e0%80%af", "%c1%9c", "%u002f", "%u002e%u002e", "%u005c", "%uff0f", "%C0%2E"];
const LEGITIMATE: &[&str] = &[
    "/api/v4/projects/group%2Fproject",
    "/api/v4/projects/group%2fproject/issues",
    "/cart;jsessionid=1F2E",
    "/catalog;v=2/items;sort=up",
    "/files//report.pdf",
    "/caf%C3%A9/%E2%82%AC",
    "/search/a%20b%2Bc",
    "/checkouts",
    "/v1/messages:send",
    "/100%25",
    "/a%23b",
    "/%E9t%E9",
    "/public/app.js",
    "/assets/x.y.z/..css",
    "/wiki/C%2B%2B_(language)",
];

/// Generates a path. Half of all paths hide a name of a rule; a tenth are paths of real applications.
pub fn path(random: &mut SplitMix64) -> Pieces {
    match random.below(100) {
        0..10 => vec![random.pick(LEGITIMATE).into()],
        10..15 => {
            let mut pieces = vec![random.pick(LEGITIMATE).into()];
            pieces.extend(noise(random, 2));
            pieces
        }
        15..60 => hidden(random),
        60..70 => other_host(random),
        _ => {
            let mut pieces = vec![b"/".to_vec()];
            let count = 1 + random.below(7);
            pieces.extend(noise(random, count));
            pieces
        }
    }
}

/// A path in which dot segments or parameters precede the name of a rule.
fn hidden(random: &mut SplitMix64) -> Pieces {
    let mut pieces = vec![b"/".to_vec()];
    for _ in 0..random.below(3) {
        if random.chance(60) {
            pieces.push(name(random));
        }
        if random.chance(30) {
            let count = 1 + random.below(2);
            pieces.extend(noise(random, count));
        }
        pieces.push(slash(random));
        if random.chance(60) {
            pieces.push(dots(random));
            pieces.push(slash(random));
        }
    }
    pieces.push(name(random));
    if random.chance(25) {
        pieces.push(end(random));
    }
    let count = random.below(2);
    pieces.extend(noise(random, count));
    pieces
}

/// A spelling of `//name/rest`.
fn other_host(random: &mut SplitMix64) -> Pieces {
    let mut pieces = vec![b"/".to_vec()];
    if random.chance(10) {
        pieces.push(removed(random));
    }
    pieces.push(slash(random));
    if random.chance(10) {
        pieces.push(b"user@".to_vec());
    }
    let host = random.pick(HOSTS);
    let host = if random.chance(10) { host.to_uppercase() } else { host.to_owned() };
    let host = if random.chance(5) { host.replacen('.', "\u{3002}", 1) } else { host };
    let host = if random.chance(5) { host.replace('e', "\u{ff45}") } else { host };
    let spelled = letters(random, &host);
    pieces.push(spelled);
    if random.chance(10) {
        pieces.push(random.pick(&[":80", ":", ".", ";x", "%00", "%2f", "[", "\u{ad}"]).into());
    }
    if random.chance(90) {
        pieces.push(slash(random));
        pieces.push(name(random));
    }
    let count = random.below(2);
    pieces.extend(noise(random, count));
    pieces
}

fn noise(random: &mut SplitMix64, count: usize) -> Pieces {
    (0..count)
        .map(|_| match random.below(100) {
            0..35 => slash(random),
            35..60 => name(random),
            60..78 => dots(random),
            78..85 => end(random),
            85..89 => removed(random),
            89..94 => encoded(random, TEXTS, 60),
            _ => encoded(random, FORMS, 0),
        })
        .collect()
}

fn slash(random: &mut SplitMix64) -> Vec<u8> {
    if random.chance(5) { encoded(random, FORMS, 0) } else { encoded(random, SLASHES, 40) }
}

fn dots(random: &mut SplitMix64) -> Vec<u8> {
    encoded(random, DOTS, 40)
}

fn end(random: &mut SplitMix64) -> Vec<u8> {
    encoded(random, ENDS, 97)
}

fn removed(random: &mut SplitMix64) -> Vec<u8> {
    encoded(random, REMOVED, 98)
}

fn name(random: &mut SplitMix64) -> Vec<u8> {
    let name = random.pick(NAMES);
    letters(random, name)
}

/// A name, with some letters percent-encoded in one of ten cases.
fn letters(random: &mut SplitMix64, name: &str) -> Vec<u8> {
    if random.chance(85) {
        return name.as_bytes().to_vec();
    }
    let each = |byte: &u8| if random.chance(20) { percent(random, &[*byte]) } else { vec![*byte] };
    name.as_bytes().iter().flat_map(each).collect()
}

/// One of these texts, percent-encoded with a probability of `chance` in 100. A raw `?` would end the path, so it is
/// always encoded.
fn encoded(random: &mut SplitMix64, texts: &[&str], chance: usize) -> Vec<u8> {
    let text = random.pick(texts).as_bytes();
    if text.contains(&b'?') || random.chance(chance) { percent(random, text) } else { text.to_vec() }
}

/// Percent-encodes some or all bytes of a text, one to three times, with digits in upper or lower case.
fn percent(random: &mut SplitMix64, text: &[u8]) -> Vec<u8> {
    let times = [1, 1, 1, 1, 2, 2, 2, 3][random.below(8)];
    let all = random.chance(70);
    let must = |byte: u8| matches!(byte, b'?' | b'#' | 0..=0x20 | 0x7f);
    let mut spelled = Vec::new();
    for byte in text {
        if !all && !must(*byte) && random.chance(50) {
            spelled.push(*byte);
            continue;
        }
        let digits = if random.chance(50) { format!("{byte:02x}") } else { format!("{byte:02X}") };
        spelled.extend(format!("%{}{digits}", "25".repeat(times - 1)).into_bytes());
    }
    // The digits of an escape may be encoded as well: %%32f, %25%32f.
    if random.chance(5) {
        let digits: Vec<Vec<u8>> =
            spelled.iter().map(|byte| if *byte == b'2' { b"%32".to_vec() } else { vec![*byte] }).collect();
        return digits.concat();
    }
    spelled
}
