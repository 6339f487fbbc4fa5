//! The servers that load is sent to: two of our own, and nginx where it is installed.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use common::clock;
use serde::Serialize;
use tempfile::TempDir;

use super::process::{Cores, cpu_of, pinned};

const NGINX_STARTS_WITHIN: Duration = Duration::from_secs(5);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServerKind {
    /// Our own, always the same answer: it costs less than any generator, so that the generator is the limit.
    Fixed,
    /// nginx with a small file: it is the limit.
    Nginx,
    /// Our own, with delays that are known.
    #[value(skip)]
    Known,
}

impl ServerKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Nginx => "nginx",
            Self::Known => "known",
        }
    }
}

/// A running server; dropped, it is ended.
pub(crate) struct RunningServer {
    child: Child,
    pub(crate) port: u16,
    stdout: Option<BufReader<ChildStdout>>,
    _folder: Option<TempDir>,
}

impl RunningServer {
    /// Starts a server on its core.
    ///
    /// # Errors
    /// When it cannot be started, or does not say its port.
    pub(crate) fn start(kind: ServerKind, cores: Option<Cores>) -> Result<Self, String> {
        let core = cores.map(|cores| cores.server);
        match kind {
            ServerKind::Fixed => own("serve-fixed", core),
            ServerKind::Known => own("serve-known", core),
            ServerKind::Nginx => nginx(core),
        }
    }

    /// What it has used of the processor since it began.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(&self.child)
    }

    /// Ends one of our own and returns what it has to say.
    ///
    /// # Errors
    /// When it says something else.
    pub(crate) fn stop<T: serde::de::DeserializeOwned>(mut self) -> Result<T, String> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        let stdout = self.stdout.as_mut().ok_or("this server tells nothing")?;
        stdout.read_line(&mut line).map_err(|error| format!("the server's last word: {error}"))?;
        serde_json::from_str(&line).map_err(|error| format!("the server's last word {line:?}: {error}"))
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn own(command: &str, core: Option<u32>) -> Result<RunningServer, String> {
    let program = crate::program::path().map_err(|error| format!("this program's path: {error}"))?;
    let mut child = pinned(core, &program)
        .args(["bench", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command}: {error}"))?;
    let mut stdout = child.stdout.take().map(BufReader::new).ok_or("a child without output")?;
    let mut line = String::new();
    let read = stdout.read_line(&mut line).map_err(|error| error.to_string());
    let mut server = RunningServer { child, port: 0, stdout: Some(stdout), _folder: None };
    read?;
    let said: serde_json::Value =
        serde_json::from_str(&line).map_err(|error| format!("{command} did not say its port but {line:?}: {error}"))?;
    server.port = said["port"].as_u64().and_then(|port| u16::try_from(port).ok()).ok_or("no port")?;
    Ok(server)
}

/// Where nginx is, if it is installed.
pub(crate) fn find_nginx() -> Option<PathBuf> {
    let known = ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"];
    let runs = |program: &&str| Command::new(program).arg("-v").stderr(Stdio::null()).status().is_ok();
    known.into_iter().find(runs).map(PathBuf::from)
}

fn nginx(core: Option<u32>) -> Result<RunningServer, String> {
    let program = find_nginx().ok_or("nginx is not installed: apt-get install nginx-light")?;
    let folder = tempfile::tempdir().map_err(|error| format!("a folder for nginx: {error}"))?;
    // It cannot be told to take any free port, so one is looked for.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let port = port.map_err(|error| format!("a port for nginx: {error}"))?.port();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    write("index.html", &"x".repeat(100))
        .and_then(|()| write("nginx.conf", &configuration(folder.path(), port)))
        .map_err(|error| format!("nginx's configuration: {error}"))?;
    let child = pinned(core, &program)
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(folder.path().join("nginx.conf"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("nginx: {error}"))?;
    let server = RunningServer { child, port, stdout: None, _folder: Some(folder) };
    let give_up = clock::monotonic() + NGINX_STARTS_WITHIN;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if clock::monotonic() > give_up {
            return Err(format!("nginx does not listen on port {port} after 5 s"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(server)
}

/// One process, no log, connections that stay open.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temp: String = temp.iter().map(|name| format!("  {name}_temp_path {folder}/{name};\n")).collect();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600;\n{temp}  \
         server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}; }}\n}}\n"
    )
}
