//! One SMTP session of the double.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::smtp::{self, PASSWORD, Protection, Shared, USER};

/// How a part of a session ended.
enum End {
    /// The connection is over.
    Closed,
    /// The client asked for TLS and was told to go ahead.
    Upgrade,
}

/// Serves one connection to its end.
pub(crate) async fn run(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Shared) {
    // An error is a client that went away: the test sees it as a mail that is missing.
    let _ = serve(stream, acceptor, shared).await;
}

async fn serve(mut stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Shared) -> std::io::Result<()> {
    if shared.protection == Protection::Implicit {
        let stream = acceptor.expect("implicit TLS has an authority").accept(stream).await?;
        Session::new(stream, shared, true).serve(true).await?;
        return Ok(());
    }
    let end = Session::new(&mut stream, shared.clone(), false).serve(true).await?;
    if let End::Upgrade = end {
        let stream = acceptor.expect("STARTTLS has an authority").accept(stream).await?;
        Session::new(stream, shared, true).serve(false).await?;
    }
    Ok(())
}

struct Session<S> {
    stream: BufReader<S>,
    shared: Shared,
    encrypted: bool,
    signed_in: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(stream: S, shared: Shared, encrypted: bool) -> Self {
        Self { stream: BufReader::new(stream), shared, encrypted, signed_in: false, from: None, to: Vec::new() }
    }

    async fn serve(&mut self, greet: bool) -> std::io::Result<End> {
        if greet {
            self.say("220 double.test ESMTP").await?;
        }
        loop {
            let Some(line) = self.line().await? else { return Ok(End::Closed) };
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => self.hello().await?,
                "STARTTLS" if self.shared.protection == Protection::StartTls && !self.encrypted => {
                    self.say("220 go ahead").await?;
                    return Ok(End::Upgrade);
                }
                "AUTH" => self.auth(rest).await?,
                "MAIL" => {
                    if !self.mail(rest).await? {
                        return Ok(End::Closed);
                    }
                }
                "RCPT" => self.rcpt(rest).await?,
                "DATA" => {
                    if !self.data().await? {
                        return Ok(End::Closed);
                    }
                }
                "RSET" => {
                    self.from = None;
                    self.to.clear();
                    self.say("250 ok").await?;
                }
                "NOOP" => self.say("250 ok").await?,
                "QUIT" => {
                    self.say("221 bye").await?;
                    return Ok(End::Closed);
                }
                _ => self.say("502 not implemented").await?,
            }
        }
    }

    async fn hello(&mut self) -> std::io::Result<()> {
        let mut lines = vec!["double.test", "8BITMIME", "SIZE 1000000"];
        if self.shared.protection == Protection::StartTls && !self.encrypted {
            lines.push("STARTTLS");
        }
        if self.shared.auth && (self.encrypted || self.shared.protection == Protection::None) {
            lines.push("AUTH PLAIN LOGIN");
        }
        let last = lines.len() - 1;
        let answer: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(index, line)| format!("250{}{line}", if index == last { ' ' } else { '-' }))
            .collect();
        self.say(&answer.join("\r\n")).await
    }

    async fn auth(&mut self, rest: &str) -> std::io::Result<()> {
        if !self.encrypted {
            self.shared.offences.push("credentials in clear text".to_owned());
        }
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let good = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let initial = if initial.is_empty() { self.ask("").await? } else { initial.to_owned() };
                decode(&initial) == format!("\0{USER}\0{PASSWORD}")
            }
            "LOGIN" => {
                let user = if initial.is_empty() { self.ask("Username:").await? } else { initial.to_owned() };
                let password = self.ask("Password:").await?;
                decode(&user) == USER && decode(&password) == PASSWORD
            }
            _ => return self.say("504 unknown mechanism").await,
        };
        self.signed_in = good;
        self.say(if good { "235 welcome" } else { "535 5.7.8 credentials invalid" }).await
    }

    async fn ask(&mut self, what: &str) -> std::io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(what))).await?;
        Ok(self.line().await?.unwrap_or_default())
    }

    /// False: the connection is to be closed.
    async fn mail(&mut self, rest: &str) -> std::io::Result<bool> {
        let busy = {
            let mut script = self.shared.script.lock().expect("no panic in the double");
            let busy = script.too_busy > 0;
            script.too_busy = script.too_busy.saturating_sub(1);
            busy
        };
        if busy {
            self.say("421 4.3.2 too busy").await?;
            return Ok(false);
        }
        if self.shared.protection == Protection::StartTls && !self.encrypted {
            self.shared.offences.push("MAIL before STARTTLS".to_owned());
            self.say("530 5.7.0 must issue a STARTTLS command first").await?;
        } else if self.shared.auth && !self.signed_in {
            self.say("530 5.7.0 authentication required").await?;
        } else if self.from.is_some() {
            self.say("503 nested MAIL").await?;
        } else {
            self.from = Some(address(rest));
            self.say("250 ok").await?;
        }
        Ok(true)
    }

    async fn rcpt(&mut self, rest: &str) -> std::io::Result<()> {
        let address = address(rest);
        let (refused, greylisted) = {
            let mut script = self.shared.script.lock().expect("no panic in the double");
            (script.refused.contains(&address), script.greylisted.remove(&address))
        };
        if self.from.is_none() {
            self.say("503 MAIL first").await
        } else if refused {
            self.say("550 5.1.1 no such user").await
        } else if greylisted {
            self.say("451 4.7.1 greylisted, come back later").await
        } else {
            self.to.push(address);
            self.say("250 ok").await
        }
    }

    /// False: the connection is to be closed.
    async fn data(&mut self) -> std::io::Result<bool> {
        if self.to.is_empty() {
            self.say("554 no valid recipients").await?;
            return Ok(true);
        }
        let (cut, hangs) = {
            let mut script = self.shared.script.lock().expect("no panic in the double");
            let now = (script.drops_at_data > 0, script.hangs_at_data > 0);
            script.drops_at_data = script.drops_at_data.saturating_sub(1);
            script.hangs_at_data = script.hangs_at_data.saturating_sub(1);
            now
        };
        if cut {
            return Ok(false);
        }
        if hangs {
            self.shared.hanging.push(());
            std::future::pending::<()>().await;
        }
        self.say("354 go ahead").await?;
        let mut raw = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(false);
            }
            // Hardened servers refuse these: they are how mails are smuggled.
            if !line.ends_with(b"\r\n") {
                self.shared.offences.push(format!("bare LF in {:?}", String::from_utf8_lossy(&line)));
                self.say("550 5.6.11 bare LF").await?;
                return Ok(false);
            }
            if line == b".\r\n" {
                break;
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        let mail = smtp::read(&from, &to, self.encrypted, &raw);
        let (cut, slow) = {
            let mut script = self.shared.script.lock().expect("no panic in the double");
            let cut = script.drops_after_dot > 0;
            script.drops_after_dot = script.drops_after_dot.saturating_sub(1);
            (cut, script.slow_dots.pop_front().unwrap_or(script.slow_dot))
        };
        self.shared.mails.push(mail);
        if cut {
            return Ok(false);
        }
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        self.say("250 2.0.0 queued as 4F1C").await?;
        Ok(true)
    }

    async fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        if !line.ends_with("\r\n") {
            self.shared.offences.push(format!("a command without CRLF: {line:?}"));
        }
        Ok(Some(line.trim_end().to_owned()))
    }

    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        stream.flush().await
    }
}

fn address(rest: &str) -> String {
    rest.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(address, _)| address)
        .unwrap_or_default()
        .to_owned()
}

fn decode(text: &str) -> String {
    STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
