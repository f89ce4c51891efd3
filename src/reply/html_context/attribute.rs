//! Attributes whose value is more than plain text.

/// Attributes whose value is a URL or a list of URLs (HTML standard, section "Attributes"; SVG 2, "xlink:href").
const URLS: [&str; 20] = [
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "codebase",
    "data",
    "formaction",
    "href",
    "imagesrcset",
    "itemid",
    "longdesc",
    "manifest",
    "ping",
    "poster",
    "profile",
    "src",
    "srcset",
    "usemap",
    "xlink:href",
];

/// The position of a variable in the value of `attribute` (lower case), for errors; none: a variable is allowed.
pub fn forbidden_value(attribute: &str) -> Option<&'static str> {
    match attribute {
        "style" => Some("a style attribute"),
        "srcdoc" => Some("a srcdoc attribute"),
        // With `http-equiv="refresh"` it is a redirect.
        "content" => Some("the content of a meta element"),
        // SVG animations change other attributes, such as `href`.
        "attributename" | "by" | "from" | "to" | "values" => Some("an animation"),
        name if name.starts_with("on") => Some("an event handler"),
        name if URLS.contains(&name) => Some("a URL"),
        _ => None,
    }
}
