//! Tags for parts of the built-in page. In HTML, the parts contain elements, so the tags are allowed in element text only.

use super::escape::Escape;

/// The name of each tag, and the source of its part in HTML and in plain text. The sources may use the variables of
/// built-in templates. The script of the countdown shows the times of `data-local` in the visitor's time zone; without it,
/// they are in UTC.
const PARTIALS: [(&str, &str, &str); 4] = [
    (
        "since_local",
        "{{#since}}<time data-local datetime=\"{{since}}\">{{since_utc}}</time>{{/since}}",
        "{{since_utc}}",
    ),
    (
        "until_local",
        "{{#until}}<time data-local datetime=\"{{until}}\">{{until_utc}}</time>{{/until}}",
        "{{until_utc}}",
    ),
    ("eta_local", "{{#eta}}<time data-local datetime=\"{{eta}}\">{{eta_utc}}</time>{{/eta}}", "{{eta_utc}}"),
    ("maintenance_countdown", COUNTDOWN, "{{#back}}{{back_utc}}{{/back}}"),
];

/// The countdown, and the script that updates it and reloads the page.
pub const COUNTDOWN: &str = include_str!("countdown.html");
/// The tag of the contact link.
pub const CONTACT_LINK: &str = "contact_link";

/// The names of the tags.
pub fn names<'n>() -> impl Iterator<Item = &'n str> {
    PARTIALS.iter().map(|(name, ..)| *name).chain([CONTACT_LINK])
}

/// The source of the part called `name` in a template of this language.
pub fn source(name: &str, escape: Escape) -> Option<&'static str> {
    let (_, html, plain) = PARTIALS.iter().find(|(known, ..)| *known == name)?;
    Some(if escape == Escape::Html { html } else { plain })
}

/// The link to the texts `contact` and `contact_label` of `context`, in this language; empty without `contact`. Web
/// addresses and mail addresses become links in HTML, and all else is text.
pub fn contact_link(context: &[(String, String)], escape: Escape) -> String {
    let text = |name: &str| context.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim());
    let (contact, label) = (text("contact"), text("contact_label"));
    let is_mail = contact.contains('@') && !contact.contains([':', '/', ' ']);
    let is_url = ["https://", "http://", "mailto:"].iter().any(|scheme| contact.starts_with(scheme));
    let mut link = String::new();
    if contact.is_empty() {
        return link;
    }
    let shown = contact.strip_prefix("mailto:").unwrap_or(contact);
    let shown = if label.is_empty() { shown } else { label };
    if escape == Escape::Html && (is_mail || is_url) {
        link.push_str(if is_mail { "<a href=\"mailto:" } else { "<a href=\"" });
        escape.write(contact, &mut link);
        link.push_str("\">");
        escape.write(shown, &mut link);
        link.push_str("</a>");
        return link;
    }
    escape.write(shown, &mut link);
    if !label.is_empty() {
        link.push_str(": ");
        escape.write(contact, &mut link);
    }
    link
}

#[cfg(test)]
mod tests;
