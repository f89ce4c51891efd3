//! A web server on a loopback address, for one visitor: the operator's browser.

use std::io;
use std::net::Ipv4Addr;

use anyhow::{Result, anyhow};
use tiny_http::{Header, Request, Response, Server};

use super::page::Preview;
use crate::commands::explain::wire::ClientResponse;
use crate::terminal::output::shown;
use crate::terminal::signals;

/// Serves the page until ^C.
pub fn serve(preview: &Preview<'_>, port: u16, opens_browser: bool) -> Result<()> {
    let server = Server::http((Ipv4Addr::LOCALHOST, port)).map_err(|error| anyhow!("127.0.0.1:{port}: {error}"))?;
    let url = format!("http://{}/", server.server_addr());
    signals::end_without_advice();
    answer!("{}: {url}", preview.site);
    aside!("the page is served until ^C");
    if opens_browser && let Err(error) = open::that_detached(&url) {
        aside!("note: no browser can be opened ({error}); open the address above");
    }
    for request in server.incoming_requests() {
        // The browser may have closed the connection.
        let _ = respond(preview, request);
    }
    Ok(())
}

fn respond(preview: &Preview<'_>, request: Request) -> io::Result<()> {
    let lower = |header: &Header| (header.field.to_string().to_ascii_lowercase(), header.value.to_string());
    let headers: Vec<_> = request.headers().iter().map(lower).collect();
    let reply = preview.reply(request.method().as_str(), request.url(), &headers).unwrap_or_else(|error| {
        let text = format!("{error:#}");
        aside!("error: {}", shown(&text));
        let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
        ClientResponse { status: 500, headers, body: text.into_bytes() }
    });
    let mut response = Response::from_data(reply.body).with_status_code(u16::try_from(reply.status).unwrap_or(500));
    for (name, value) in reply.headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    request.respond(response)
}
