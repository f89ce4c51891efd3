//! An application that returns the target of each request, byte by byte. An HTTP library might change or reject the
//! target.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type ReceivedTargets = Arc<Mutex<Vec<Vec<u8>>>>;

/// The running application. Dropping it stops accepting connections.
pub struct TargetApp {
    address: SocketAddr,
    targets: ReceivedTargets,
    listener: JoinHandle<()>,
}

impl TargetApp {
    /// Starts the application on a free port.
    pub async fn start() -> TargetApp {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let targets = ReceivedTargets::default();
        let shared = targets.clone();
        let listener = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        TargetApp { address, targets, listener }
    }

    /// The address of the application.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the targets of the requests since the last call.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.targets.lock().unwrap())
    }
}

impl Drop for TargetApp {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Responds to requests without a body until the connection ends.
async fn serve(stream: TcpStream, targets: ReceivedTargets) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await.ok().filter(|length| *length > 0)?;
        let mut header = Vec::new();
        while header != b"\r\n" {
            header.clear();
            stream.read_until(b'\n', &mut header).await.ok().filter(|length| *length > 0)?;
        }
        let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default().to_vec();
        targets.lock().unwrap().push(target.clone());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", target.len());
        stream.write_all(&[head.as_bytes(), &target].concat()).await.ok()?;
    }
}
