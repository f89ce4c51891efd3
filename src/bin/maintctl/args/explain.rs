//! The arguments of `explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

/// A claim of a token, in the form in which Envoy passes it to the filter.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimFlag {
    /// The name; a period separates the names of nested members.
    pub name: String,
    pub value: Vec<u8>,
    /// True for a string: the bytes of a string can equal those of a number or a boolean.
    pub is_text: bool,
}

impl ClaimFlag {
    /// Parses `NAME=VALUE`. A value that is no JSON is a string.
    fn parse(text: &str) -> Result<ClaimFlag, String> {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err("not NAME=VALUE, such as is_staff=true".to_owned());
        };
        let (value, is_text) = match serde_json::from_str(value) {
            Ok(Value::Bool(is_true)) => (vec![u8::from(is_true)], false),
            Ok(Value::Number(number)) => (number.as_f64().unwrap_or_default().to_le_bytes().to_vec(), false),
            Ok(Value::String(text)) => (text.into_bytes(), true),
            Ok(Value::Null | Value::Array(_) | Value::Object(_)) => {
                return Err("a null, a list or an object; repeat --claim for each element of a list, and write NAME.MEMBER=VALUE \
                            for a member of an object"
                    .to_owned());
            }
            Err(_) => (value.as_bytes().to_vec(), true),
        };
        Ok(ClaimFlag { name: name.to_owned(), value, is_text })
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  maintctl explain --policy policy.yaml https://shop.example.com/checkout\n  \
    maintctl explain --policy envoy.yaml --ip 203.0.113.7 -H 'x-staff: 1' https://shop.example.com/\n  \
    maintctl explain --policy policy.yaml --state shop.json --at 02:30 -X PUT https://api.example.com\n  \
    maintctl explain --live --uri-san spiffe://a/ns/ops https://shop.example.com/\n  \
    maintctl explain --live --claim iss=https://id.example.com --claim staff=true https://example.com/\n\n\
    The path of the URL is not normalized, because clients can send any path.")]
pub struct ExplainArgs {
    /// The policy, or a bootstrap, an ECDS file or an Istio manifest that contains it
    #[arg(long, value_name = "FILE", required_unless_present = "live")]
    pub policy: Option<PathBuf>,
    /// The plugin, if the file has several
    #[arg(long, value_name = "NAME")]
    pub plugin: Option<String>,
    /// Use the current state of the target's sites; with a file target, --policy is the watched file by default
    #[arg(long, conflicts_with = "state")]
    pub live: bool,
    /// A state document, as JSON or signed, or the output of `maintctl status --json`
    #[arg(long, value_name = "FILE")]
    pub state: Vec<PathBuf>,
    /// The time of the request [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The client address, as Envoy reports it
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,
    /// A URI SAN of the client certificate, as Envoy reports it
    #[arg(long, value_name = "URI")]
    pub uri_san: Vec<String>,
    /// A claim of the verified token, such as iss=https://id.example.com; true, false and numbers have these types, and
    /// 'name="true"' is a string. Repeat a claim for each element of a list
    #[arg(long, value_name = "NAME=VALUE", value_parser = ClaimFlag::parse)]
    pub claim: Vec<ClaimFlag>,
    /// A header of the request
    #[arg(long, short = 'H', value_name = "NAME:VALUE")]
    pub header: Vec<String>,
    /// The method of the request
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET")]
    pub method: String,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
    /// The URL of the request
    #[arg(value_name = "URL")]
    pub url: String,
}
