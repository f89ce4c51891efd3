//! The request that the flags describe, as Envoy passes it to the filter.

use envoy_maintenance::request::HeaderMap;

use crate::args::ExplainArgs;

type HeaderPair = (Vec<u8>, Vec<u8>);

/// The headers that Envoy joins if a request has several of them, and the separators.
const JOINED: [(&str, &str); 4] = [("content-type", ","), ("cookie", "; "), ("te", ","), ("user-agent", ",")];

/// The headers of the request, and notes on them.
pub fn headers(args: &ExplainArgs) -> Result<(HeaderMap, Vec<String>), String> {
    let mut notes = Vec::new();
    let (scheme, authority, mut path) = split(&args.url)?;
    if let Some((before, _)) = path.split_once('#') {
        notes.push("the fragment of the URL is ignored, because clients do not send it".to_owned());
        path = before;
    }
    let path = match path {
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };
    if args.method.is_empty() || !args.method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!("--method \"{}\": not a method", args.method));
    }
    let mut authority = authority.to_owned();
    let mut sent: Vec<HeaderPair> = Vec::new();
    for header in &args.header {
        let (name, value) = read(header)?;
        let joined = JOINED.iter().find(|(joined, _)| *joined == name).map(|(_, between)| *between);
        match sent.iter_mut().find(|(before, _)| *before == name.as_bytes()) {
            _ if name == "host" => value.clone_into(&mut authority),
            Some((_, before)) if joined.is_some() => {
                before.extend_from_slice(joined.unwrap_or_default().as_bytes());
                before.extend_from_slice(value.as_bytes());
            }
            _ => sent.push((name.into_bytes(), value.as_bytes().to_vec())),
        }
    }
    let pseudo = [(":method", &args.method), (":scheme", &scheme), (":authority", &authority), (":path", &path)];
    let pseudo = pseudo.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    Ok((HeaderMap::new(pseudo.into_iter().chain(sent).collect()), notes))
}

/// The scheme, the authority and the rest of an absolute URL, as written.
fn split(url: &str) -> Result<(String, &str, &str), String> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(format!("\"{url}\": not a URL such as https://shop.example.com/checkout"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    Ok((scheme, authority, rest))
}

/// The name of a header in lower case, and its value.
fn read(header: &str) -> Result<(String, &str), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match header.split_once(':') {
        Some((name, value)) if !name.is_empty() && name.bytes().all(is_token) => {
            Ok((name.to_ascii_lowercase(), value.trim()))
        }
        _ => Err(format!("--header \"{header}\": not a header such as 'accept: text/html'")),
    }
}

#[cfg(test)]
mod tests;
