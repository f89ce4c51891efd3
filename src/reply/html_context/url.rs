//! URLs in attributes: a variable may stand where it can change the scheme no more.

/// Attributes whose value is a URL (HTML standard, attributes; SVG).
const URLS: [&str; 14] = [
    "action",
    "background",
    "cite",
    "codebase",
    "data",
    "formaction",
    "href",
    "longdesc",
    "manifest",
    "poster",
    "profile",
    "src",
    "usemap",
    "xlink:href",
];

/// Whether an attribute's value is one URL.
pub fn is_url(attribute: &str) -> bool {
    URLS.contains(&attribute)
}

/// Goes on over a character of a URL: whether its scheme is settled and harmless, or an error where it is a harmful one.
pub fn step(start: &mut String, c: char) -> Result<bool, &'static str> {
    match c {
        '/' | '?' | '#' => Ok(true),
        ':' => match start.as_str() {
            "http" | "https" | "mailto" | "tel" => Ok(true),
            _ => Err("in a URL whose scheme is not http, https, mailto or tel"),
        },
        // Browsers pass over these before and inside a scheme.
        c if c.is_ascii_whitespace() || c.is_ascii_control() => Ok(false),
        // A backslash is a slash to a browser, `&` may write any character.
        '&' => Err("in a URL that begins with a character reference"),
        c => {
            start.push(c.to_ascii_lowercase());
            Ok(false)
        }
    }
}
