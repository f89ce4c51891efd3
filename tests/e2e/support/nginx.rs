//! A real nginx in front of an application. It listens on Unix sockets, because it cannot bind port 0.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::eventually;

/// The running nginx. Dropping it stops nginx.
pub struct Nginx {
    folder: TempDir,
    process: Child,
}

impl Nginx {
    /// Starts nginx in front of this application, with the sockets [`Nginx::with_uri`] and [`Nginx::without_uri`].
    pub async fn start(app: SocketAddr) -> Nginx {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("nginx.conf"), configuration(folder.path(), app)).unwrap();
        // Debian installs it outside of a user's PATH. Without -e, nginx opens a log in /var first.
        let debian = Path::new("/usr/sbin/nginx");
        let mut command = Command::new(if debian.exists() { debian } else { Path::new("nginx") });
        command.arg("-p").arg(folder.path()).arg("-c").arg(folder.path().join("nginx.conf"));
        command.arg("-e").arg(folder.path().join("error.log"));
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("nginx starts; tests/install-debian-packages.sh installs it");
        let mut nginx = Nginx { folder, process };
        eventually("nginx listens", async || {
            assert_eq!(nginx.process.try_wait().unwrap(), None, "nginx has exited: {}", nginx.log());
            UnixStream::connect(nginx.without_uri()).ok()
        })
        .await;
        nginx
    }

    /// `proxy_pass` with a URI: nginx forwards the path decoded and normalized.
    pub fn with_uri(&self) -> PathBuf {
        self.folder.path().join("with-uri")
    }

    /// `proxy_pass` without a URI: nginx forwards the path unchanged.
    pub fn without_uri(&self) -> PathBuf {
        self.folder.path().join("without-uri")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A configuration with one process, which writes only to its folder.
fn configuration(folder: &Path, app: SocketAddr) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
{temporary}    upstream app {{ server {app}; keepalive 4; }}
    proxy_http_version 1.1;
    proxy_set_header Connection \"\";
    proxy_set_header Host $host;
    keepalive_requests 1000000;
    server {{ listen unix:{folder}/with-uri; location / {{ proxy_pass http://app/; }} }}
    server {{ listen unix:{folder}/without-uri; location / {{ proxy_pass http://app; }} }}
}}
"
    )
}
