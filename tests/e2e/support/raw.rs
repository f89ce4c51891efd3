//! A connection that sends arbitrary bytes and reads HTTP/1.1 responses.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use super::DEADLINE;

/// An open connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Names in lower case and values as bytes, in the order received.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    /// Connects.
    pub async fn open(to: SocketAddr) -> Connection {
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream: BufReader::new(stream) }
    }

    /// Connects from this loopback address.
    pub async fn open_from(from: IpAddr, to: SocketAddr) -> Connection {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        let stream = socket.connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream: BufReader::new(stream) }
    }

    /// Sends these bytes unchanged.
    pub async fn send(&mut self, bytes: &[u8]) {
        // If the peer has closed the connection already, the next read shows it.
        let _ = self.stream.write_all(bytes).await;
    }

    /// Reads the next response; `None` if the connection ends or is reset before the response is complete.
    pub async fn response(&mut self) -> Option<Response> {
        self.within(async |this| this.read(true).await).await
    }

    /// Reads the response to a HEAD request, which has no body.
    pub async fn response_to_head(&mut self) -> Option<Response> {
        self.within(async |this| this.read(false).await).await
    }

    /// Reads all bytes until the peer closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        self.within(async |this| {
            let mut rest = Vec::new();
            let _ = this.stream.read_to_end(&mut rest).await;
            rest
        })
        .await
    }

    /// True if no byte arrives within this time.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stream.fill_buf()).await.is_err()
    }

    async fn within<T>(&mut self, read: impl AsyncFnOnce(&mut Self) -> T) -> T {
        tokio::time::timeout(DEADLINE, read(self)).await.expect("a response in time")
    }

    async fn read(&mut self, with_body: bool) -> Option<Response> {
        let mut response = loop {
            let head = self.head().await?;
            if head.status >= 200 || head.status == 101 {
                break head;
            }
        };
        if !with_body || matches!(response.status, 101 | 204 | 304) {
            return Some(response);
        }
        if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            loop {
                let line = self.line().await?;
                let length =
                    usize::from_str_radix(std::str::from_utf8(&line).ok()?.split(';').next()?.trim(), 16).ok()?;
                self.take(length, &mut response.body).await?;
                self.line().await?;
                if length == 0 {
                    return Some(response);
                }
            }
        }
        match response.header("content-length").map(|length| length.parse().ok()) {
            Some(length) => self.take(length?, &mut response.body).await?,
            None => drop(self.stream.read_to_end(&mut response.body).await),
        }
        Some(response)
    }

    async fn head(&mut self) -> Option<Response> {
        let first = self.line().await?;
        let status = std::str::from_utf8(&first).ok()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Some(Response { status, headers, body: Vec::new() });
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).to_lowercase();
            headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
    }

    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await.ok()?;
        line.pop().filter(|last| *last == b'\n')?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    async fn take(&mut self, length: usize, into: &mut Vec<u8>) -> Option<()> {
        let start = into.len();
        into.resize(start + length, 0);
        self.stream.read_exact(&mut into[start..]).await.ok()?;
        Some(())
    }
}

/// Sends these bytes on a new connection and reads one response.
pub async fn exchange(to: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut connection = Connection::open(to).await;
    connection.send(bytes).await;
    connection.response().await
}

/// A GET request for this path.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
}

/// Sends `count` requests over open connections and returns the statuses of the responses.
pub async fn ask_all(connections: &mut [Connection], path: &str, count: usize) -> Vec<u16> {
    let share = count.div_ceil(connections.len());
    let bytes = get(path);
    let bytes = bytes.as_bytes();
    let each = connections.iter_mut().map(|connection| async move {
        let mut statuses = Vec::with_capacity(share);
        while statuses.len() < share {
            connection.send(bytes).await;
            statuses.push(connection.response().await.expect("the connection stays open").status);
        }
        statuses
    });
    futures::future::join_all(each).await.concat()
}
